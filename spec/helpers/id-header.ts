/** The field that carries the job's ID unless a route names another. */
export const ID_HEADER = 'X-Async-Kong-Id';

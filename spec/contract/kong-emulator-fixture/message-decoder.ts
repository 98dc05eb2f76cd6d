import { Unpackr } from 'msgpackr';

/** Cuts a byte stream into MsgPack messages; by a library, so that the gateway's own codec is not measured by itself. */
export class Decoder {
  readonly #unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });
  #rest = Buffer.alloc(0);

  push(chunk: Buffer): { bytes: number; message: unknown }[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const found: { bytes: number; message: unknown }[] = [];
    let end = 0;
    const take = (message: unknown, start?: number, stop?: number): void => {
      end = stop ?? 0;
      found.push({ bytes: end - (start ?? 0), message });
    };
    try {
      this.#unpackr.unpackMultiple(this.#rest, take);
    } catch (error) {
      if (!(error as { incomplete?: boolean }).incomplete) throw error;
    }
    this.#rest = this.#rest.subarray(end);
    return found;
  }
}

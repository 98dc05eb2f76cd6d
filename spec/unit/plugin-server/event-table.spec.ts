import { EventTable } from '../../../kong/plugin-server/event-table';

describe('EventTable', () => {
  const tables: EventTable[] = [];
  const makeTable = (): EventTable => {
    const table = new EventTable(jest.fn());
    tables.push(table);
    return table;
  };
  afterEach(() => tables.splice(0).forEach((table) => table.close()));

  test('gives IDs that a double holds exactly and that two tables do not share', () => {
    const ids = Array.from({ length: 50 }, makeTable).flatMap((table) => [
      table.add('access').id,
      table.spareId(),
    ]);
    expect(new Set(ids).size).toBe(100);
    expect(ids.filter((id) => !Number.isSafeInteger(id))).toEqual([]);
  });

  test('finds an event until it is over', async () => {
    const table = makeTable();
    const event = table.add('access');
    expect([table.find(event.id), table.size]).toEqual([event, 1]);
    event.put('ret');
    await event.next();
    expect([table.find(event.id), table.size]).toEqual([undefined, 0]);
  });
});

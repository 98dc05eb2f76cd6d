import { InstanceRegistry } from '../../../kong/plugin-server/instance-registry';
import type { PluginInstance } from '../../../kong/plugin-server/kong-pdk';

const instance = (): PluginInstance => ({
  executePhase: () => undefined,
  getName: () => 'lab',
  getStartTime: () => 0,
  close: jest.fn(),
});

describe('InstanceRegistry', () => {
  test('gives IDs that a double holds exactly and that two registries do not share', () => {
    const registries = Array.from({ length: 50 }, () => new InstanceRegistry());
    const ids = registries.flatMap((registry) => [1, 2, 3].map(() => registry.add(instance()).id));
    expect(new Set(ids).size).toBe(150);
    for (const id of ids) expect(Number.isSafeInteger(id) && id >= 2 ** 20).toBe(true);
  });

  test('finds an instance after its close, and closes it once', () => {
    const registry = new InstanceRegistry();
    const record = registry.add(instance());
    registry.close(record);
    registry.close(record);
    expect(registry.find(record.id)).toBe(record);
    expect(record.instance.close).toHaveBeenCalledTimes(1);
    expect([registry.openCount, registry.closedCount]).toEqual([0, 1]);
  });

  test('keeps the last closed ones only, and still knows the others for its own', () => {
    const registry = new InstanceRegistry(2);
    const records = [1, 2, 3].map(() => registry.add(instance()));
    for (const record of records) registry.close(record);
    expect(records.map(({ id }) => registry.find(id) !== undefined)).toEqual([false, true, true]);
    expect(records.map(({ id }) => registry.isOurs(id))).toEqual([true, true, true]);
  });

  test('knows neither the ID before its first nor the one after its last', () => {
    const registry = new InstanceRegistry();
    const { id } = registry.add(instance());
    expect([id - 1, id, id + 1].map((candidate) => registry.isOurs(candidate))).toEqual([false, true, false]);
  });
});

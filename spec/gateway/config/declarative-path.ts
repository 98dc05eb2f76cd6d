import { isLuaTable, type LuaTable, type LuaValue } from '../rpc/lua-value';
import { DeclarativeError } from './declarative-error';
import type { Violations } from './schema-violations';

/** The position of the reader in a declarative file, for error messages. */
export class DeclarativePath {
  readonly #steps: [section: string, index: number][] = [];

  /** Visits each entity of a section. */
  each(section: string, items: LuaValue, visit: (item: LuaTable) => void): void {
    if (items === undefined || items === null) return;
    if (!Array.isArray(items)) throw this.error({ [section]: 'expected an array' });
    for (const [index, item] of items.entries()) {
      if (!isLuaTable(item)) throw this.error({ [section]: 'expected a record' });
      this.#steps.push([section, index]);
      visit(item);
      this.#steps.pop();
    }
  }

  /** An error of the entity that is being visited. */
  error(fields: Violations): DeclarativeError {
    const nested = this.#steps.reduceRight<Violations>((inner, [section, index]) => {
      const before: Violations[] = Array.from({ length: index }, () => ({}));
      return { [section]: [...before, inner] };
    }, fields);
    return new DeclarativeError(nested);
  }
}

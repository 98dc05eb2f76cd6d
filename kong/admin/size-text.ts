// Formats numbers of bytes.

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** At most three digits before the decimal point: `512 B`, `1.5 MiB`. */
export function sizeText(bytes: number): string {
  let text = `${String(bytes)} B`;
  let size = bytes;
  for (const unit of UNITS) {
    if (size < 1000) {
      break;
    }
    size /= 1024;
    text = `${size.toFixed(1)} ${unit}`;
  }
  return text;
}

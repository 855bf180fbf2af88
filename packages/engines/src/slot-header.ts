/**
 * The request header that tells engines without a hash of their own the user's slot, from 0 to 9,999. What is in front
 * of them sets it; the domain's `slotOf` says how.
 */
export const SLOT_HEADER = "x-aibos-slot";

/** A regular expression for the whole numbers from `first` to `last`, both below 10,000 and without leading zeros. */
export function slotPattern(first: number, last: number): string {
  const alternatives: string[] = [];
  let from = first;
  while (from <= last) {
    const size = blockAt(from, last);
    const same = String(from).length;
    const digit = Math.floor(from / size) % 10;
    // Blocks of that size beside it, up to the next ten of them, and with as many digits.
    let end = from + size - 1;
    let lastDigit = digit;
    while (lastDigit < 9 && end + size <= last && String(end + size).length === same) {
      end += size;
      lastDigit += 1;
    }
    const head = String(from).slice(0, same - String(size).length);
    const tail = "[0-9]".repeat(String(size).length - 1);
    alternatives.push(`${head}${digit === lastDigit ? digit : `[${digit}-${lastDigit}]`}${tail}`);
    from = end + 1;
  }
  return `^(${alternatives.join("|")})$`;
}

/** The largest power of ten of which a block begins here and ends within the range. */
function blockAt(from: number, last: number): number {
  if (from === 0) return 1;
  let size = 1;
  while (from % (size * 10) === 0 && from + size * 10 - 1 <= last) size *= 10;
  return size;
}

/**
 * The orders in which clients sort `x-ms-*` headers before they sign them (storage.md 4.2). They differ in `-` and `_`,
 * and a server cannot know which client is calling, so each known order is tried: only the holder of the key can have
 * made any of them.
 */
type Order = (a: string, b: string) => number;

const ordinal: Order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** azure-storage-blob for Python: its own alphabet (`_shared/authentication.py`). */
const alphabet = "-!#$%&*.^_|~+\"'(),/`~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz{}";

const python: Order = (a, b) => {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) {
    const difference = alphabet.indexOf(a.charAt(index)) - alphabet.indexOf(b.charAt(index));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
};

/**
 * JavaScript: .NET's culture order (`SharedKeyComparator.ts`). Hyphens and apostrophes weigh nothing at first; when all
 * else is equal, the name whose hyphen comes later goes first.
 */
const symbols = "!#$%&*.^_`|~+";
const weightless = new Set(["-", "'"]);

const weight = (character: string): number => {
  const symbol = symbols.indexOf(character);
  if (symbol >= 0) return symbolWeights[symbol] ?? 0;
  if (character >= "0" && character <= "9") return 0xd00 + character.charCodeAt(0);
  return 0xe00 + character.charCodeAt(0);
};

const symbolWeights = [0x71c, 0x71f, 0x721, 0x723, 0x725, 0x72d, 0x733, 0x743, 0x744, 0x748, 0x74c, 0x750, 0x803];

const culture: Order = (a, b) => {
  const heavy = (text: string): string[] => Array.from(text).filter((character) => !weightless.has(character));
  const [x, y] = [heavy(a), heavy(b)];
  for (let index = 0; index < Math.min(x.length, y.length); index++) {
    const difference = weight(x[index] ?? "") - weight(y[index] ?? "");
    if (difference !== 0) return difference;
  }
  if (x.length !== y.length) return x.length - y.length;
  return lightOrder(a, b);
};

const lightOrder: Order = (a, b) => {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) {
    const [p, q] = [weightless.has(a.charAt(index)), weightless.has(b.charAt(index))];
    if (p !== q) return p ? 1 : -1;
    if (p && a.charAt(index) !== b.charAt(index)) return a.charAt(index) === "'" ? -1 : 1;
  }
  return a.length - b.length;
};

export const headerOrders: readonly Order[] = [culture, ordinal, python];

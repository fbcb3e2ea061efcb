/**
 * What writers were told, by key: the last value that was acknowledged and the one that was under way when the tenant died.
 * After a restart a key must hold one of the two, whole.
 */
export interface Ledger {
  /** A write of `value` begins; `absent` deletes. One write per key at a time. */
  begin(key: string, value: string): void;
  /** It was acknowledged, with the value that the tenant chose where that is the tenant's to choose. */
  acknowledge(key: string, value?: string): void;
  /** It was refused with nothing changed. */
  refuse(key: string): void;
  /** Keys that were written since the last call. */
  touched(): string[];
  keys(): string[];
  /** Whether a value under a key that begins with `kind/` was acknowledged. */
  holds(kind: string): boolean;
  /** Says what is wrong with the value found after a restart, and takes it as the new truth. */
  settle(key: string, found: string): string | undefined;
  readonly acknowledged: number;
}

export const absent = "absent";
/** A value that only the tenant knows before it answers. */
export const chosen = "chosen by the tenant";

export const openLedger = (): Ledger => {
  const known = new Map<string, { acknowledged: string; pending?: string }>();
  let touched = new Set<string>();
  let acknowledged = 0;
  const entry = (key: string) => {
    const found = known.get(key) ?? { acknowledged: absent };
    known.set(key, found);
    return found;
  };
  return {
    begin: (key, value) => {
      const found = entry(key);
      if (found.pending !== undefined) throw new Error(`${key} is being written already.`);
      found.pending = value;
      touched.add(key);
    },
    acknowledge: (key, value) => {
      const found = entry(key);
      found.acknowledged = value ?? found.pending ?? absent;
      delete found.pending;
      acknowledged += 1;
    },
    refuse: (key) => {
      delete entry(key).pending;
    },
    touched: () => {
      const keys = [...touched];
      touched = new Set();
      return keys;
    },
    keys: () => [...known.keys()],
    holds: (kind) => [...known].some(([key, found]) => key.startsWith(`${kind}/`) && found.acknowledged !== absent),
    settle: (key, value) => {
      const found = entry(key);
      const { pending } = found;
      const fits = value === found.acknowledged || value === pending || (pending === chosen && value !== absent);
      const complaint = fits
        ? undefined
        : `${key} holds ${value}; acknowledged was ${found.acknowledged}, under way ${pending ?? "nothing"}`;
      found.acknowledged = value;
      delete found.pending;
      return complaint;
    },
    get acknowledged() {
      return acknowledged;
    },
  };
};

/** Networks as they are typed: parted by commas, blanks or lines. */
export function networksOf(text: string): string[] {
  return text.split(/[\s,;]+/).filter((part) => part !== "");
}

/** How much of a scan is done, in per cent. */
export function percentOf({ done, addresses }: { done: number; addresses: number }): number {
  return addresses === 0 ? 0 : Math.min(100, Math.floor((done / addresses) * 100));
}

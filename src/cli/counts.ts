/** A number with its thousands apart. */
export const countText = (n: number): string => n.toLocaleString("en-US");

/** `1 class`, `1,234 classes`. */
export const plural = (n: number, one: string, many = `${one}s`): string => `${countText(n)} ${n === 1 ? one : many}`;

// Owns: numbers among flags. What is none stays text, and the schema says what is wrong with it.

export const decimal = (text: string): number | string =>
  /^-?\d*\.?\d+(e[-+]?\d+)?$/i.test(text) ? Number(text) : text;

export const integer = (text: string): number | string => (/^-?\d+$/.test(text) ? Number(text) : text);

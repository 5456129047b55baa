// Owns: the colours of a report, light and dark. Does not own: where they are used.

/**
 * Colours of lines and areas, in their order. All keep 3:1 to the surface (WCAG 1.4.11). Within each four, which share a
 * dash, any two stay 9 or more apart in OKLab, times 100, to normal, protan, deutan and tritan sight (Machado 2009).
 */
export const SERIES = {
  light: ['#1c5fb8', '#cb6d10', '#16968a', '#8f3570', '#b876eb', '#510033', '#495000', '#240481'],
  dark: ['#5b9dff', '#f59a45', '#6fe3cf', '#b05aa8', '#a98bf0', '#efdc82', '#b4702a', '#7fd8ea'],
} as const;

/** What is burned goes to nobody: neither does its colour. */
export const NEUTRAL = { light: '#6b7686', dark: '#8a95a6' } as const;

export const SURFACE = { light: '#ffffff', dark: '#161b22' } as const;

/** Low to high, cividis (Nuñez, Anderton, Renslow 2018): even in lightness, the same to colour-blind readers. */
export const SEQUENTIAL: readonly string[] = [
  '#00224e',
  '#123570',
  '#3b496c',
  '#575d6d',
  '#707173',
  '#8a8678',
  '#a59c74',
  '#c3b369',
  '#e1cc55',
  '#fee838',
];

/** Loss, nothing, gain: for what can be negative. */
export const DIVERGING: readonly string[] = [
  '#7f3b08',
  '#cb6d10',
  '#f3c48f',
  '#f2f2ef',
  '#9cc3ee',
  '#1c5fb8',
  '#0a2f66',
];

/** Lines beyond the eighth take the colours again, with dashes; the second four have dashes too, for grey printers. */
export const DASHES: readonly string[] = ['', '7 3', '2 3', '9 3 2 3'];

export const COLOURS = SERIES.light.length;
/** Colours of one dash. */
export const DASH_EVERY = 4;

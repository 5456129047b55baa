// Owns: a word as a POSIX shell takes it: what a page or a report says to type must do what it says.

/** As it is where nothing in it means anything to a shell, else within quotes. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

// Owns: the version that Describe and the command line state; a test holds it against package.json.
export const VERSION = '0.1.0';

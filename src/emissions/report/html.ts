// Owns: text that is safe inside HTML and inside a script element. Does not own: what is written.

/** Markup that is already escaped. Everything else that reaches `html` is text. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | readonly Html[] | string | number | undefined;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * A template whose values are escaped unless they are markup themselves; undefined is nothing.
 *
 * @example html`<p title="${title}">${paragraphs}</p>`
 */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(literals.reduce((text, literal, i) => text + markup(parts[i - 1]) + literal));
}

function markup(part: Part): string {
  if (part === undefined) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('');
  return String(part).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/**
 * JSON that no HTML parser reads as an end of the script or the start of a comment, and no old script parser as an end
 * of line. bigint becomes a decimal string, what is not finite null.
 */
export function jsonScript(id: string, value: unknown): Html {
  const json = JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? v.toString() : v));
  const safe = json.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return html`<script type="application/json" id="${id}">${new Html(safe)}</script>`;
}

/** @throws TypeError when the text would end its own element */
export function inlineScript(script: string): Html {
  if (/<\/script|<!--/i.test(script)) throw new TypeError('script: expected no </script and no <!-- in it');
  return new Html(`<script>${script}</script>`);
}

/** @throws TypeError when the text would end its own element */
export function inlineStyle(style: string): Html {
  if (/<\/style/i.test(style)) throw new TypeError('style: expected no </style in it');
  return new Html(`<style>${style}</style>`);
}

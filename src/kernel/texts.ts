/** What PostgreSQL can keep: no NUL, and no half of a surrogate pair, which is no character. */
export const storable = (text: string): string => text.replaceAll('\0', '').toWellFormed()

/** The beginning of a text that is too long, without half a character at its end. */
export const cutText = (text: string, most: number): string =>
  text.length <= most
    ? storable(text)
    : `${storable(text.slice(0, most - 1))
        .replace(/\ufffd$/, '')
        .trimEnd()}…`

/**
 * Why a document cannot be read:
 *
 * - `empty`: it has no bytes at all
 * - `encrypted`: it opens with a password only
 * - `broken`: it is damaged, cut, or reading it failed
 * - `too_large`: it has, or unpacks to, more than is read
 * - `unsupported`: it is something else than the documents that are read
 * - `no_text`: there is nothing in it but pictures, or nothing
 * - `too_slow`: reading it took longer than a document may take
 */
export type UnreadableReason =
  | 'empty'
  | 'encrypted'
  | 'broken'
  | 'too_large'
  | 'unsupported'
  | 'no_text'
  | 'too_slow'

/** The one error of reading documents. The same bytes fail in the same way again; its message is for the person who brought them. */
export class UnreadableDocument extends Error {
  readonly code: UnreadableReason

  constructor(code: UnreadableReason, message: string = usually[code], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'UnreadableDocument'
    this.code = code
  }
}

const usually: Readonly<Record<UnreadableReason, string>> = {
  empty: 'The file is empty.',
  encrypted: 'The document is protected by a password. Save it without one and upload it again.',
  broken: 'The document is damaged and cannot be read.',
  too_large: 'The document is too large.',
  unsupported:
    'This is not a kind of document that can be read. PDF, Word (.docx), HTML, Markdown and plain text can.',
  no_text: 'There is no text in the document.',
  too_slow: 'Reading the document took too long. Try it in smaller parts.',
}

/** What happens to one request. Nothing said: a proper answer, at once. */
export interface Script {
  /** The answer in the pieces it is streamed in; a single text is split at its words. */
  readonly text?: string | readonly string[]
  readonly reasoning?: string
  readonly toolCalls?: readonly { readonly id?: string; readonly name: string; readonly arguments: string }[]
  readonly refusal?: string
  /** As the server says it; null: never. */
  readonly finish?: string | null
  /** False: not reported, though asked for. */
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | false
  /** Pieces per second; unset: all at once. */
  readonly rate?: number
  readonly firstAfterMs?: number
  /** Says nothing any more: instead of answering, or after so many events of the stream. */
  readonly hang?: true | number
  /** Destroys the connection after so many events. */
  readonly cutAfter?: number
  /** Without `[DONE]`, and left open if `'open'`. */
  readonly done?: false | 'open'
  /** Lines of the stream as they are, in the place of everything above. */
  readonly raw?: readonly string[]
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** In the place of a JSON answer, or of the error of a status. */
  readonly json?: unknown
  /** Of embeddings. */
  readonly dimensions?: number
}

export interface Body {
  readonly model?: string
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
  readonly messages?: readonly { readonly role: string; readonly content: string | null }[]
  readonly input?: string | readonly string[]
  readonly dimensions?: number
  readonly query?: string
  readonly documents?: readonly string[]
  readonly top_n?: number
  readonly [other: string]: unknown
}

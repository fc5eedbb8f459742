/**
 * A language model that streams its answer. What may go wrong is a `ServiceFailure`, and nothing else is thrown. Whether a failed request
 * is repeated is the caller's to decide: a model tries once.
 *
 * - Nothing is sent before the first event is asked for; every iteration is one request.
 * - The events are any number of texts and tool calls, then exactly one `finish`, last. Without `finish`, the iteration throws.
 * - The texts, joined, are the answer. None is empty. None is held back: what has arrived is given out.
 * - A tool call is given out whole, with an id that is its own within the answer. Its arguments are what the model wrote, `{}` where it
 *   wrote nothing; they need not be JSON, nor fit the schema, unless the reason is `length`: then a call that is not whole is left out.
 * - Aborting the signal, or ending the iteration early, closes the connection to the service; nothing is given out afterwards. Only the
 *   former throws (`aborted`).
 * - It ends with the reason `length` not far beyond `maxOutputTokens`, also where the service does not keep to that.
 * - Usage is always there. `estimated` says that the service did not report it.
 */
export interface Model {
  /** Which of the two it is, so that answers can say what gave them. */
  readonly provider: 'built in' | 'openai'
  stream(request: ModelRequest): AsyncIterable<ModelEvent>
}

export interface ModelRequest {
  /** Name of the model; the built-in answerer has only itself. */
  readonly model: string
  readonly messages: readonly ModelMessage[]
  readonly tools?: readonly ModelTool[]
  readonly parameters?: ModelParameters
  /**
   * The documents that the answer is to be taken from. The built-in answerer works from these and sees nothing else; for a real model they
   * are part of the messages already, and it cites them with the same marks, `[1]`.
   */
  readonly passages?: readonly Passage[]
  /** Where the service should say something sooner than it is usually given time for. */
  readonly firstWithinMs?: number
  readonly signal?: AbortSignal
}

export type ModelMessage =
  | { readonly role: 'system' | 'user'; readonly text: string }
  | { readonly role: 'assistant'; readonly text: string; readonly toolCalls?: readonly ToolCall[] }
  /** What a tool gave back. */
  | { readonly role: 'tool'; readonly callId: string; readonly text: string }

export interface ModelTool {
  readonly name: string
  readonly description: string
  /** JSON schema of its arguments, an object. */
  readonly parameters: Readonly<Record<string, unknown>>
}

/** What is not given is not sent: some models accept no other than their own. */
export interface ModelParameters {
  readonly temperature?: number
  readonly topP?: number
  readonly maxOutputTokens?: number
  /** At most four texts that end the answer. */
  readonly stop?: readonly string[]
  readonly toolChoice?: 'auto' | 'required' | 'none'
}

export interface Passage {
  /** As it is cited: 1 for `[1]`. */
  readonly number: number
  readonly id: string
  readonly title: string
  /** The headings it stands under. */
  readonly section?: string | undefined
  readonly page?: number | undefined
  readonly text: string
}

export interface ToolCall {
  readonly id: string
  readonly name: string
  /** JSON as text. */
  readonly arguments: string
}

export interface Usage {
  readonly input: number
  readonly output: number
  /** How much of the input the service had in a cache. */
  readonly cached?: number
  readonly estimated: boolean
}

/** Why it ended: by itself, at the limit of output, for the results of tools, by a filter of the service. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter'

export type ModelEvent =
  | { readonly type: 'text'; readonly text: string }
  | ({ readonly type: 'tool_call' } & ToolCall)
  | {
      readonly type: 'finish'
      readonly reason: FinishReason
      readonly usage: Usage
      /** The built-in answerer found no answer in the passages, and said so. */
      readonly declined?: true
    }

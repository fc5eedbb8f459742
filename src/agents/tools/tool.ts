import type { Scope } from '../../kernel/index.ts'
import type { Passage } from '../../providers/model.ts'

/** Whom a tool works for. All of it comes from the scope and the conversation, and none of it from the model (S6). */
export interface ToolContext {
  readonly scope: Scope
  readonly conversationId: string
  /** Null where nobody from outside takes part. */
  readonly contactId: string | null
  readonly runId: string
  readonly agentId: string
}

/** One call of it. */
export interface CallContext extends ToolContext {
  /** The same for the same call in every attempt at one question: whoever is called can tell that it was called before. */
  readonly callKey: string
}

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue }

/** What a run is to do after a tool, or may want to show of it. */
export type ToolEffect =
  | { readonly kind: 'hand_over'; readonly reason: string; readonly priority: number }
  | { readonly kind: 'contact'; readonly contactId: string; readonly taken: readonly string[] }

export interface ToolResult {
  /** For the model. */
  readonly text: string
  readonly data?: JsonValue
  readonly effect?: ToolEffect
  readonly passages?: readonly Passage[]
}

/**
 * Something that a model may call during a run.
 *
 * - `name` is unlike all others of the run, and such as models take.
 * - A call that fails gives a text that says so: the model goes on. Only an aborted signal makes it throw.
 * - Its arguments are checked before anything happens; what they may not be, the result says.
 * - It ends within a time and gives no more text than a model can be handed.
 * - Done again under the same key, it has the effect of once: by itself where that is ours, else by the key, which is passed on.
 */
export interface Tool {
  readonly name: string
  readonly description: string
  /** JSON schema of its arguments, an object. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** What it does happens elsewhere: a result that is known from an earlier attempt is not asked for again. */
  readonly outside?: true
  call(context: CallContext, args: unknown, signal: AbortSignal): Promise<ToolResult>
}

import type { ConnectionState, ConversationSnapshot } from '../../../src/client/index.ts'
import type { CommandOutput, Entry } from '../../../src/protocol/index.ts'
import type { OpenOptions } from '../contract.ts'
import type { Words } from './words.ts'

export interface Upload {
  readonly key: string
  readonly name: string
  readonly size: number
  readonly kind: 'image' | 'file'
  /** From 0 to 1. */
  readonly progress: number
  readonly failed: boolean
  /** Undefined until the server has all of it. */
  readonly fileId: string | undefined
}

export type FormValues = Readonly<Record<string, string | number | boolean>>

/** What lies over the messages. */
export type Sheet =
  | {
      readonly name: 'citation'
      readonly messageId: string
      readonly chunkId: string
      readonly title: string
    }
  | { readonly name: 'image'; readonly fileId: string; readonly label: string }
  | { readonly name: 'past' | 'transcript' | 'menu' | 'emoji' }

export interface Person {
  readonly name: string | null
  readonly avatarUrl: string | null
}

export type Queue = CommandOutput<'queue.read'>

export interface State {
  readonly open: boolean
  readonly words: Words | undefined
  readonly dark: boolean
  readonly connection: ConnectionState
  /** The conversation before the visitor; undefined: nothing was said yet. */
  readonly talk: ConversationSnapshot | undefined
  readonly greeting: OpenOptions['greeting']
  readonly draft: string
  readonly uploads: readonly Upload[]
  /** What is typed into forms, by the name of the form. */
  readonly forms: Readonly<Record<string, FormValues>>
  /** By `nameOf`. */
  readonly people: Readonly<Record<string, Person>>
  readonly queue: Queue | undefined
  readonly sheet: Sheet | undefined
  /** The pre-chat form was filled in, or is not asked for. */
  readonly introduced: boolean
  readonly muted: boolean
  /** Raised whenever what had the focus is about to go: it belongs to the composer then. */
  readonly turn: number
  /** In plain words, until the next thing that the visitor does. */
  readonly notice: string
}

export const firstState: State = {
  ...{ open: false, words: undefined, dark: false, connection: { status: 'idle' }, talk: undefined },
  ...{
    greeting: undefined,
    draft: '',
    uploads: [],
    forms: {},
    people: {},
    queue: undefined,
    sheet: undefined,
  },
  ...{ introduced: true, muted: false, turn: 0, notice: '' },
}

export const nameOf = ({ kind, id }: Entry['sender']): string => `${kind}/${id}`

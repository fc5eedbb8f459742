import type { z } from 'zod'
import type { Permission, Scope } from '../kernel/index.ts'
import type { Audience, CommandName, CommandOutput, Commands, EventName, Events } from '../protocol/index.ts'

/** One connection to a namespace, as a command sees it. */
export interface Session {
  readonly id: string
  readonly audience: Audience
  readonly scope: Scope
  /**
   * Resolves once the other nodes' publications for this room reach us, or after a moment when the bus is away. Throws `conflict` for one
   * who is in too many.
   */
  join(room: string): Promise<void>
  leave(room: string): void
  isIn(room: string): boolean
  /** The credential was renewed. */
  renewed(expiresAt: Date | null): void
  emit<Name extends EventName>(event: Name, payload: Events[Name]): void
}

export interface CommandCall<Name extends CommandName> {
  readonly scope: Scope
  readonly input: z.output<Commands[Name]['input']>
  readonly session: Session
}

/** What the plumbing needs to run a command; the types of one command are checked where it is written. */
export interface Command {
  readonly name: CommandName
  /** What members and keys need for it. */
  readonly permission: Permission | undefined
  readonly run: (call: { scope: Scope; input: unknown; session: Session }) => Promise<unknown>
}

/**
 * A command of a room. Members and keys need the permission; visitors and guests hold none, and the verb itself checks that the
 * conversation is theirs.
 */
export function command<Name extends CommandName>(
  name: Name,
  permission: Permission | undefined,
  run: (call: CommandCall<Name>) => Promise<CommandOutput<Name>>,
): Command {
  return { name, permission, run: run as Command['run'] }
}

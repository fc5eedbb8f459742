import { z } from 'zod'

/**
 * Programs that workspaces may run as tool servers, by the name they use for them. What runs is the operator's: a workspace adds arguments
 * only where it may, and sets no variables but those named here, since others can make a program run something else.
 */
export const mcpCommands = z.record(
  z.string().regex(/^[\w-]{1,64}$/),
  z.strictObject({
    run: z.array(z.string().min(1)).min(1),
    arguments: z.boolean().default(false),
    environment: z.array(z.string().regex(/^[A-Za-z_]\w*$/)).default([]),
  }),
)

export type McpCommands = Readonly<z.output<typeof mcpCommands>>

interface Wanted {
  readonly command: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** Why a workspace may not run this. */
export function refusedCommand(commands: McpCommands, wanted: Wanted): string | undefined {
  const command = Object.hasOwn(commands, wanted.command) ? commands[wanted.command] : undefined
  if (!command) return 'The operator of this installation does not allow this command.'
  if (!command.arguments && wanted.args.length > 0) return 'This command takes no arguments here.'
  const foreign = Object.keys(wanted.environment).filter(name => !command.environment.includes(name))
  return foreign.length > 0 ? `This command takes no variable ${foreign[0]} here.` : undefined
}

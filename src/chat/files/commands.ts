import { type Command, command } from '../../gateway/index.ts'
import { type FileParts, requireConversation } from './parts.ts'
import { signFileLinks } from './signFileLinks.ts'

export function fileCommands({ db, links, offers }: FileParts): Command[] {
  return [
    command('file.offer', 'conversations:write', async ({ scope, input }) => {
      await db.scoped(scope, tx => requireConversation(scope, tx, input.conversationId))
      return offers.make(scope, input.conversationId, input.name)
    }),
    command('file.link', 'conversations:read', ({ scope, input }) =>
      db.scoped(scope, tx => signFileLinks(scope, tx, links, input.fileId)),
    ),
  ]
}

import { useEffect, useState } from 'preact/hooks'
import type { CommandOutput } from '../../../src/protocol/index.ts'
import { markdown } from '../markdown/blocks.tsx'
import { useChat, useChatState, useWords } from '../view/parts.tsx'

export const css = `
.button.quiet{background:var(--soft);color:var(--text)}
.passage{overflow-wrap:break-word;padding:.9em 1em;border-inline-start:3px solid var(--ink);border-radius:.3em .8em .8em .3em;background:var(--soft);font-size:.9375em}
.where{margin-block-end:.8em;color:var(--muted);font-size:.875em}
.inside>.button{margin-block-start:1.1em;text-decoration:none}
`

interface CitationProps {
  readonly messageId: string
  readonly chunkId: string
}

/** Numbers in brackets are the document's own here. */
const noMarks = { cite: () => undefined }

/** The passage that an answer refers to, in the words of the document. */
export default function Citation({ messageId, chunkId }: CitationProps) {
  const chat = useChat()
  const words = useWords()
  const online = useChatState(state => state.connection.status === 'online')
  const [passage, setPassage] = useState<CommandOutput<'citation.read'> | 'gone'>()
  const conversationId = useChatState(state => state.talk?.id)
  useEffect(() => {
    if (!conversationId || !online) return
    chat.client.request('citation.read', { conversationId, messageId, chunkId }).then(answer => {
      if (answer.ok) setPassage(answer.value)
      else if (!answer.error.retryable) setPassage('gone')
    }, chat.fail)
  }, [chat, conversationId, messageId, chunkId, online])
  if (passage === 'gone') return <p role="alert">{words('sourceGone')}</p>
  if (!passage) return <p role="status">{words('searching')} …</p>
  const { section, page, text, url } = passage
  const where = [section, page === null ? '' : words('page', { page })].filter(Boolean).join(' · ')
  return (
    <>
      {where && (
        <p class="where" dir="auto">
          {where}
        </p>
      )}
      <blockquote class="passage md">{markdown(text, noMarks)}</blockquote>
      {url && /^https?:/i.test(url) && (
        <a class="button quiet" href={url} target="_blank" rel="noopener noreferrer nofollow">
          {words('openDocument')}
        </a>
      )}
    </>
  )
}

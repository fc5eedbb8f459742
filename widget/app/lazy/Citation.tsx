import { markdown } from '../markdown/blocks.tsx'
import { useChat, useWords } from '../view/parts.tsx'
import { useAsked } from './asked.tsx'

export const css = `
.button.quiet{background:var(--soft);color:var(--text)}
.passage{overflow-wrap:break-word;padding:.9em 1em;border-inline-start:3px solid var(--ink);border-radius:.3em .8em .8em .3em;background:var(--soft);font-size:.9375em}
.where{margin-block-end:.8em;color:var(--muted);font-size:.875em}
.inside>a.button{margin-block-start:1.1em;text-decoration:none}
`

export interface CitationProps {
  readonly messageId: string
  readonly chunkId: string
}

/** Numbers in brackets are the document's own here. */
const noMarks = { cite: () => undefined }

/** The passage that an answer refers to, in the words of the document. */
export default function Citation({ messageId, chunkId }: CitationProps) {
  const chat = useChat()
  const words = useWords()
  const ask = () => {
    const conversationId = chat.store.state.talk?.id ?? ''
    return chat.client.request('citation.read', { conversationId, messageId, chunkId })
  }
  const [answer, instead] = useAsked(ask, `${words('searching')} …`)
  if (!answer?.ok)
    return answer?.error.code === 'not_found' ? <p role="alert">{words('sourceGone')}</p> : instead
  const { section, page, text, url } = answer.value
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

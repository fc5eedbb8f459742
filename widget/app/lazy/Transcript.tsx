import { useState } from 'preact/hooks'
import { useChat, useChatState, useWords } from '../view/parts.tsx'
import { Email } from './Email.tsx'
import { Done } from './fields.tsx'

/** The whole conversation by mail. */
export default function Transcript() {
  const chat = useChat()
  const words = useWords()
  const conversationId = useChatState(state => state.talk?.id)
  const [sent, setSent] = useState(false)
  const submit = async (email: string): Promise<string> => {
    if (!conversationId) return words('wrong')
    const answer = await chat.client.request('transcript.mail', { conversationId, email })
    setSent(answer.ok)
    return answer.ok ? '' : words(answer.error.code === 'invalid_request' ? 'badEmail' : 'wrong')
  }
  if (sent) return <Done>{words('transcriptSent')}</Done>
  return <Email id="transcript" act={words('send')} submit={submit} />
}

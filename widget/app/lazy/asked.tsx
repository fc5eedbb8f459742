import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Ack } from '../../../src/protocol/index.ts'
import { useChatState, useWords } from '../view/parts.tsx'

/**
 * What the server answers, asked anew with each connection; and what stands in its place until then: where there is a connection and nothing came
 * of it, the visitor can ask again.
 */
export function useAsked<Value>(
  ask: () => Promise<Ack<Value>>,
  waiting: string,
): readonly [answer: Ack<Value> | undefined, instead: VNode] {
  const words = useWords()
  const online = useChatState(state => state.connection.status === 'online')
  const [answer, setAnswer] = useState<Ack<Value>>()
  const [tries, setTries] = useState(0)
  useEffect(() => {
    if (!online) return
    let wanted = true
    // What was read already stays, unless there is something newer.
    void ask().then(now => wanted && setAnswer(before => (before?.ok && !now.ok ? before : now)))
    return () => {
      wanted = false
    }
  }, [online, tries])
  if (!online || !answer) return [answer, <p role="status">{online ? waiting : words('reconnecting')}</p>]
  const again = () => {
    setAnswer(undefined)
    setTries(tries + 1)
  }
  return [
    answer,
    <p role="alert">
      {words('wrong')}{' '}
      <button type="button" class="link" onClick={again}>
        {words('retry')}
      </button>
    </p>,
  ]
}

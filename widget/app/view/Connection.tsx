import { useEffect, useState } from 'preact/hooks'
import type { Failure } from '../../../src/protocol/index.ts'
import type { State } from '../state/state.ts'
import { useChat, useChatState, useWords } from './parts.tsx'

/** A connection that is back before anybody would notice is not worth a word. */
const quietMs = 2_500

export function Connection() {
  const words = useWords()
  const status = useChatState(state => state.connection.status)
  const [late, setLate] = useState(false)
  const lost = status === 'waiting' || status === 'connecting'
  useEffect(() => {
    setLate(false)
    if (!lost) return
    const timer = setTimeout(() => setLate(true), quietMs)
    return () => clearTimeout(timer)
  }, [lost])
  return (
    <div role="status">
      {lost && late && (
        <div class="bar">
          <span class="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <span>{words('reconnecting')}</span>
        </div>
      )}
    </div>
  )
}

/** What keeps the visitor out for good, other than what is settled without them. */
export const refusalOf = ({ connection, talk }: State): Failure | undefined => {
  if (connection.status === 'refused' && connection.reason.code !== 'visitor_gone') return connection.reason
  return talk?.refusal ?? undefined
}

export function Refusal({ failure }: { readonly failure: Failure }) {
  const chat = useChat()
  const words = useWords()
  const { code } = failure
  const outdated = code === 'unsupported_version'
  const told =
    code === 'identity_required'
      ? 'identityNeeded'
      : outdated
        ? 'outdated'
        : code === 'not_found' || code === 'conflict'
          ? 'gone'
          : code === 'internal' || code === 'invalid_request'
            ? 'wrong'
            : 'suspended'
  const isTalk = told === 'gone'
  const act = () => {
    if (outdated) location.reload()
    else if (isTalk) chat.talks.begin()
    else chat.retry()
  }
  return (
    <div class="full" role="alert">
      <p>{words(told)}</p>
      <button type="button" class="button" onClick={act}>
        {words(outdated ? 'reload' : isTalk ? 'newChat' : 'retry')}
      </button>
    </div>
  )
}

import { useEffect } from 'preact/hooks'
import type { FormValues } from '../state/state.ts'
import { useChat, useChatState } from '../view/parts.tsx'

const nothing: FormValues = {}

/** What is typed into a form, kept with every key like what is typed into the composer, until it is sent. */
export function useKeptForm(name: string) {
  const chat = useChat()
  const { store } = chat
  const key = `form/${name}`
  const values = useChatState(({ forms }) => forms[name]) ?? nothing
  // From then on what is kept can be read.
  const begun = useChatState(({ connection }) => connection.status !== 'idle')
  const put = (next: FormValues) => store.set({ forms: { ...store.state.forms, [name]: next } })
  useEffect(() => {
    const restore = async () => {
      const before = await chat.kept.get<FormValues>(key)
      // Something may be typed already.
      if (before) put({ ...before, ...store.state.forms[name] })
    }
    if (begun) void restore()
  }, [name, begun])
  return {
    values,
    write: (field: string, value: string | number | boolean) => {
      put({ ...store.state.forms[name], [field]: value })
      void chat.begin()
      void chat.kept.set(key, store.state.forms[name])
    },
    sent: () => {
      put(nothing)
      void chat.kept.delete(key)
    },
  }
}

import PreChat, { css as preChatCss } from './PreChat.tsx'
import Rating, { css as ratingCss } from './Rating.tsx'
import Transcript from './Transcript.tsx'
import Waiting, { css as waitingCss } from './Waiting.tsx'

export const css = `
.field{display:block;width:100%;min-height:2.7em;margin-block:.3em 0;padding:.5em .8em;border:1px solid var(--muted);border-radius:.7em;background:var(--bg);font-weight:400}
.field:focus{border-color:var(--ink)}
.label{display:block;font-size:.875em;font-weight:600}
.form{display:grid;gap:.95em}
.wrong{margin-block-start:.3em;color:var(--bad);font-size:.8125em}
${preChatCss}${ratingCss}${waitingCss}`

const forms = { preChat: PreChat, rating: Rating, transcript: Transcript, waiting: Waiting } as const
export type FormName = keyof typeof forms

/** Everything that the visitor may be asked for: together, because most of it is what all of them share. */
export default function Form({ form }: { readonly form: FormName }) {
  const Chosen = forms[form]
  return <Chosen />
}

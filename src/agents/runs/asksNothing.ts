import { isSmall, isSmallTalk, wordsOf } from '../../kernel/index.ts'

/** Of those who answer what they were asked. */
const agreed = new Set(
  'yes yeah yep no nope sure right ja nein oui non sí sì sim não nee doch bien vale'.split(' '),
)

/** Whether no word of it says what somebody wants to know: "Hello!", "Thanks a lot", "Yes"; not "And how much is it?". */
export const asksNothing = (text: string): boolean =>
  isSmallTalk(text) || (!text.includes('?') && wordsOf(text).every(word => isSmall(word) || agreed.has(word)))

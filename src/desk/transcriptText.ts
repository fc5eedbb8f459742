import type { Speaker } from '../agents/index.ts'
import type { Said } from '../chat/index.ts'

/**
 * A transcript as a mail has it: plain text, so that nothing in it is carried out, and no address of ours that opens anything. Only what is said
 * begins with a `>`, every line of it: nobody can write what looks as if somebody else had said it.
 */
export function transcriptText(said: readonly Said[], { tenant, speakers, shortened }: About): string {
  const names = new Map(speakers.map(({ sender, name }) => [`${sender.kind} ${sender.id}`, name]))
  const nameOf = ({ sender }: Said) => names.get(`${sender.kind} ${sender.id}`) ?? nameless[sender.kind]
  const lines = said.map(entry => {
    const head = `[${timeOf(entry.createdAt)}]`
    if (entry.type === 'system_event') return `${head} ${inOneLine(entry.text)}`
    const files = entry.files.map(name => `(file: ${name})`)
    const sources = entry.sources.map(({ number, title }) => `[${number}] ${inOneLine(title)}`)
    const body = [entry.text, ...sources, ...files].filter(text => text !== '').join('\n') || '(a file)'
    return `${head} ${entry.sender.kind === 'contact' ? 'You' : inOneLine(nameOf(entry))}:\n${quoted(body)}`
  })
  return [
    `This is your conversation with ${tenant}, as you asked for it. Times are UTC.`,
    ...(shortened ? ['What was said earlier is left out here.'] : []),
    ...lines,
    'If you did not ask for it, ignore this mail.',
  ].join('\n\n')
}

interface About {
  readonly tenant: string
  readonly speakers: readonly Speaker[]
  /** There is more than this. */
  readonly shortened: boolean
}

const nameless: Readonly<Record<Said['sender']['kind'], string>> = {
  ...{ contact: 'You', agent: 'Assistant', member: 'The team', guest: 'Guest', system: 'The team' },
}

/** All that any mail program may take for the end of a line. */
const lineEnds = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/

const quoted = (body: string): string =>
  body
    .split(lineEnds)
    .map(line => `> ${line}`)
    .join('\n')

const inOneLine = (text: string): string => text.split(lineEnds).join(' ')

const timeOf = (moment: string): string => moment.slice(0, 16).replace('T', ' ')

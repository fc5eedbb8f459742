/** An end of a sentence that is none: a short form, an initial, an ordinal (of a date, of a list). */
const shortForm =
  /(?:^|[\s(])(?:\p{L}|\d{1,2}|e\.g|i\.e|z\.\s?b|d\.\s?h|u\.\s?a|bzw|ca|usw|etc|vs|no|nr|st|dr|mr|mrs|ms|prof|inc|ltd|co|approx|p\.\s?ex|art|abs|tel)\.$/iu
const bullet = /^\s*(?:[-*•‣–]|\d{1,2}[.)])\s+/
const heading = /^\s*#{1,6}\s+/
/** Of bounded length, and short forms are looked for in the last characters only: strangers' texts must not make it slow. */
const sentenceEnd = /[.!?…]{1,8}["'”“’»)\]]{0,4}(?=\s)|[。！？]{1,8}/gu
const longestShortForm = 16
const mostCharacters = 400

/** The sentences of a text as they stand in it, without the marks of lists. Lines of a paragraph belong together; headings are no answers. */
export function sentencesOf(text: string): string[] {
  return blocksOf(text)
    .flatMap(block => splitBlock(block))
    .filter(sentence => /[\p{L}\p{N}]/u.test(sentence))
}

/** Text that belongs together: a paragraph, an entry of a list, a row of a table. */
function blocksOf(text: string): string[] {
  const blocks: string[] = []
  let open = ''
  const close = () => {
    if (open) blocks.push(open)
    open = ''
  }
  for (const line of text.split('\n')) {
    const bare = line.trim()
    if (bare === '' || heading.test(line)) close()
    else if (bullet.test(line) || bare.startsWith('|')) {
      close()
      open = line.replace(bullet, '').trim()
      if (bare.startsWith('|')) close()
    } else open = open ? `${open} ${bare}` : bare
  }
  close()
  return blocks
}

function splitBlock(block: string): string[] {
  return splitSentences(block).flatMap(sentence =>
    sentence.length > mostCharacters ? cutLong(sentence) : [sentence],
  )
}

/** A paragraph as its sentences, however long they are; nothing but the blanks between them is left out. */
export function splitSentences(block: string): string[] {
  const sentences: string[] = []
  let from = 0
  for (const { index, 0: end } of block.matchAll(sentenceEnd)) {
    const to = index + end.length
    const candidate = block.slice(from, to)
    const tail = candidate.slice(-longestShortForm)
    const next = block.slice(to, to + longestShortForm).trimStart()
    if (end === '.' && (shortForm.test(tail) || /^\p{Ll}/u.test(next))) continue
    sentences.push(candidate.trim())
    from = to
  }
  sentences.push(block.slice(from).trim())
  return sentences.filter(sentence => sentence !== '')
}

/** Text without ends of sentences, such as of tables: parts that end with a word. */
function cutLong(sentence: string): string[] {
  return (
    sentence
      .match(new RegExp(`.{1,${mostCharacters}}(?:\\s|$)|.{1,${mostCharacters}}`, 'gsu'))
      ?.map(part => part.trim()) ?? []
  )
}

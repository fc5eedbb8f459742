/** What the built-in answerer and embedder know of languages: where words are, which of them say little, which belong together. */
import { remembered } from './remembered.ts'

/** Words without meaning of their own, by language; questions are told apart by them too. */
const small = {
  en: 'a an and are as at be been but by can could did do does for from had has have how i if in into is it its me my no not of on or our shall should so than that the their them then there these they this to was we were what when where which who whom whose why will with would you your please much many long get got any some something about also now here want need like tell know just still same am let us me really give gives given take takes taken make makes come comes go goes going bring brings put happen happens find use uses used using offer offers sell sells mean means see say says ask asks try thing things anything nothing somebody someone anybody anyone else anyway again later both each every very too more most own one may might must been being doing possible able don doesn didn isn aren wasn weren couldn wouldn shouldn haven hasn hadn dont cant wont doesnt didnt isnt im ive',
  de: 'aber als am an auch auf aus bei bin bis da das dass dem den der des die dir du ein eine einem einen einer es für hat habe haben hatte ich ihr ihre im in ist kann kannst können man mein meine meinen mich mir mit muss nach nicht noch oder sie sind so um und uns unser von vom wann war warum was welche welcher welches wenn wer werden wie wieder wir wird wo zu zum zur über bitte etwas lange viel viele gibt jetzt wieviel möchte will dann hier schon',
  fr: 'à au aux avec ce ces cette comment dans de des du elle elles en est et il ils je la le les leur lui ma mais mes mon ne nous on ou où par pas pour pourquoi quand que quel quelle quels qui sa se ses son sont sur ta te tu un une vos votre vous puis peut peux combien y quoi très aussi temps',
  es: 'a al como con cuál cuáles cuando cuándo cuánto de del donde dónde el ella en es esta este está hay la las lo los me mi mis no o para pero por puedo puede qué que quien quién se si sin son su sus tu un una y ya cómo',
  it: 'a al alla che chi ci come con da dei del della di dove e è gli ha ho i il in io la le lo ma mi mio non o per perché più posso può qual quale quali quando quanto se si sono su tra un una',
  pt: 'a ao as com como da das de do dos e ela ele em é está eu há meu minha na nas no nos não o onde os ou para pela pelo por porque posso pode qual quais quando quanto quem que se sem sua são um uma',
  nl: 'aan als bij dan dat de den deze die dit een en er het hij hoe hoeveel ik in is je jullie kan kunnen maar met mijn na naar niet of om ook op te tot uit van veel voor waar waarom wanneer wat we welke wie wij worden zijn u uw',
} as const

export type Language = keyof typeof small

const smallWords = new Map(
  Object.entries(small).map(([language, words]) => [language as Language, new Set(words.split(' '))]),
)
const anySmall = new Set([...smallWords.values()].flatMap(words => [...words]))

/** Scripts that put no spaces between words: there, each pair of neighbours is a word. */
const unspaced = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}ー`
const runs = new RegExp(`[${unspaced}]+|[^${unspaced}]+`, 'gu')
const startsUnspaced = new RegExp(`^[${unspaced}]`, 'u')
/** Marks belong to the letter before them; alone they are no word. */
const pieces = /[\p{L}\p{N}ー][\p{L}\p{M}\p{N}ー]*(?:['’]\p{L}+)?/gu

/** In order, in small letters. */
export function wordsOf(text: string): string[] {
  const words: string[] = []
  for (const piece of text.normalize('NFKC').toLowerCase().match(pieces) ?? []) {
    if (isSpaced(piece)) words.push(withoutTail(piece))
    else
      for (const run of piece.match(runs) ?? [])
        words.push(...(startsUnspaced.test(run) ? pairsOf(run) : [run]))
  }
  return words
}

/** Of a script without spaces, where a word is but a pair of neighbours. */
export const isUnspaced = (word: string): boolean => startsUnspaced.test(word)

function isSpaced(piece: string): boolean {
  for (let at = 0; at < piece.length; at++) if (piece.charCodeAt(at) >= 0x0e00) return false
  return true
}

function pairsOf(run: string): string[] {
  const characters = [...run]
  if (characters.length === 1) return characters
  return characters.slice(1).map((character, at) => `${characters[at]}${character}`)
}

/** It's and company's are it and company. */
function withoutTail(word: string): string {
  const apostrophe = word.search(/['’]/)
  return apostrophe < 0 ? word : word.slice(0, apostrophe)
}

export const isSmall = (word: string): boolean => anySmall.has(word)

/** Words that stand for something that was said before. */
const referring = new Set(
  [
    'it its that this these those they them one',
    'es das dies diese dieser davon damit dafür dazu dat dit het',
    'ça cela celui celle ceci eso esto ese ello quello questo ciò isso isto',
  ].flatMap(words => words.split(' ')),
)

export const isReferring = (word: string): boolean => referring.has(word)

const endings: readonly (readonly [RegExp, string])[] = [
  [/(ss|sh|ch|x|z)es$/, '$1'],
  [/ies$/, 'y'],
  [/([^su])s$/, '$1'],
  [/(?:ational|ation|ations)$/, 'ate'],
  [/(?:ement|ments?|ness|fully|ful|ingly|edly)$/, ''],
  [/([^aeiou])\1(?:ing|ed)$/, '$1'],
  [/(?:ing|ed|ly|er|en|em|es|e|n|y)$/, ''],
]

/**
 * The part of a word that its forms share, more or less: plural and verb endings of English, which also fit the commonest of German and of
 * Romance languages. Accents are dropped, because people who ask leave them out.
 */
export const stemOf: (word: string) => string = remembered(word => {
  // Where a pair of an unspaced script is nothing but marks, they are all that it says: a stem is never empty.
  let stem = word.normalize('NFD').replace(/\p{M}/gu, '').replaceAll('ß', 'ss') || word
  if (/\d/.test(stem)) return stem
  for (const [ending, rest] of endings) {
    const shorter = stem.replace(ending, rest)
    if (shorter.length >= 3) stem = shorter
  }
  return stem
})

/** English where nothing speaks for another one. */
export function languageOf(text: string): Language {
  const words = wordsOf(text)
  let best: Language = 'en'
  let most = 0
  for (const [language, known] of smallWords) {
    const count = words.filter(word => known.has(word)).length
    if (count > most) {
      best = language
      most = count
    }
  }
  return best
}

import { Readability } from '@mozilla/readability'
import { Parser } from 'htmlparser2'
import { parseHTML } from 'linkedom'
import { UnreadableDocument } from '../../kernel/index.ts'
import { type Block, type Reading, squeezed } from './document.ts'
import { blocksOfElement, type Element, elementOf } from './htmlBlocks.ts'

/** What is on a page and not of it: programs, looks, controls, ways to elsewhere. */
const neverRead =
  'script,style,noscript,template,iframe,object,embed,svg,canvas,audio,video,nav,footer,aside,dialog,button,select,textarea,input,[hidden],[aria-hidden="true"],[role="navigation"],[role="banner"],[role="contentinfo"],[role="complementary"],[role="search"]'
const unseen = /display\s*:\s*none|visibility\s*:\s*hidden/i

/** Readability finds the article of a page by guessing; where it leaves out more than this share, it has guessed wrong. */
const leastShare = 0.6

export function readHtml(html: string): Reading {
  const document = parse(html)
  const root = elementOf(document.documentElement)
  if (!root) return { title: undefined, blocks: [] }
  const language = root.getAttribute('lang')?.trim() || undefined
  const title = squeezed(root.querySelector('title')?.textContent ?? '')
  for (const element of root.querySelectorAll(neverRead)) element.remove()
  for (const element of root.querySelectorAll('[style]'))
    if (unseen.test(element.getAttribute('style') ?? '')) element.remove()
  const all = blocksOfElement(root.querySelector('body') ?? root)
  const article = articleOf(document)
  const heading = all.find(block => block.kind === 'heading')
  const blocks = charactersOf(article) >= leastShare * charactersOf(all) ? under(heading, article) : all
  return { title: title || heading?.text, language, blocks }
}

/** Browsers stop at 512; both libraries take the square of the depth, or all of the stack. */
const deepest = 400

function parse(html: string) {
  let depth = 0
  const parser = new Parser({
    onopentag: () => {
      if (++depth > deepest)
        throw new UnreadableDocument('broken', 'The elements of the page are nested too deeply to be read.')
    },
    onclosetag: () => depth--,
  })
  parser.end(html)
  return parseHTML(html).document
}

/** Changes the document. */
function articleOf(document: object): Block[] {
  const serializer = (node: unknown): Element | undefined => elementOf(node)
  const content = new Readability(document, { serializer, charThreshold: 0, keepClasses: true }).parse()
    ?.content
  return content ? blocksOfElement(content) : []
}

/** It takes the heading of the page for a repetition of the title and leaves it out. */
const under = (heading: Block | undefined, article: Block[]): Block[] =>
  heading && !article.some(({ text }) => text === heading.text) ? [heading, ...article] : article

const charactersOf = (blocks: readonly Block[]) => blocks.reduce((sum, { text }) => sum + text.length, 0)

/** Of a piece of HTML that stands in another text. */
export function blocksOfHtml(fragment: string): Block[] {
  const root = elementOf(parse(`<html><body>${fragment}</body></html>`).documentElement)
  if (!root) return []
  for (const element of root.querySelectorAll('script,style,svg,template')) element.remove()
  return blocksOfElement(root)
}

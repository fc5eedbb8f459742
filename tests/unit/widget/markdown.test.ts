import fc from 'fast-check'
import type { ComponentChildren, VNode } from 'preact'
import { describe, expect, test } from 'vitest'
import { markdown } from '../../../widget/app/markdown/blocks.tsx'
import { typed } from '../../../widget/app/markdown/inline.tsx'
import { settle } from '../../../widget/app/markdown/unfinished.ts'

type Drawn = VNode<Record<string, unknown>>
const isNode = (child: unknown): child is Drawn =>
  typeof child === 'object' && child !== null && 'props' in child

/** As HTML, so that a test shows what it means. */
function html(child: ComponentChildren): string {
  if (Array.isArray(child)) return child.map(html).join('')
  if (!isNode(child))
    return child === undefined || child === null || child === false ? '' : String(child).replace(/</g, '&lt;')
  const { children, href } = child.props
  const inside = html(children as ComponentChildren)
  return `<${child.type}${href ? ` href=${href}` : ''}>${inside}</${child.type}>`
}

const cite = (number: number) =>
  number < 4 ? ({ type: 'button', props: { children: number } } as unknown as VNode) : undefined
const draw = (text: string): string => html(markdown(text, { cite }))

function all(child: ComponentChildren, found: Drawn[] = []): Drawn[] {
  if (Array.isArray(child)) for (const one of child) all(one, found)
  else if (isNode(child)) {
    found.push(child)
    all(child.props.children as ComponentChildren, found)
  }
  return found
}

const cases: Readonly<Record<string, readonly [string, string]>> = {
  emphasis: [
    'a **b** *c* _d_ ~~e~~ `f`',
    '<p>a <strong>b</strong> <em>c</em> <em>d</em> <del>e</del> <code>f</code></p>',
  ],
  nested: ['**a *b* c**', '<p><strong>a <em>b</em> c</strong></p>'],
  lines: ['one\ntwo\n\nthree', '<p>one<br></br>two</p><p>three</p>'],
  names: ['snake_case_name and 2 * 3 * 4', '<p>snake_case_name and 2 * 3 * 4</p>'],
  heading: ['## Title', '<p><strong>Title</strong></p>'],
  list: ['- a\n- b\n  - c', '<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>'],
  numbers: ['1. a\n2. b', '<ol><li>a</li><li>b</li></ol>'],
  quote: ['> a\n> b', '<blockquote><p>a<br></br>b</p></blockquote>'],
  code: ['```js\n<b>\n```', '<pre><code>&lt;b></code></pre>'],
  table: [
    'a | b\n--|--\n1 | 2',
    '<div><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table></div>',
  ],
  link: ['[a](https://x.example/b)', '<p><a href=https://x.example/b><bdi>a</bdi></a></p>'],
  bare: [
    'See https://x.example/a_(b), please.',
    '<p>See <a href=https://x.example/a_(b)><bdi>https://x.example/a_(b)</bdi></a>, please.</p>',
  ],
  mail: ['Write to a@b.example.', '<p>Write to <a href=mailto:a@b.example><bdi>a@b.example</bdi></a>.</p>'],
  citation: [
    'So [1], so [2, 3], not so [9].',
    '<p>So <button>1</button>, so <button>2</button><button>3</button>, not so [9].</p>',
  ],
  html: ['<img src=x onerror=alert(1)>', '<p>&lt;img src=x onerror=alert(1)></p>'],
  picture: ['![a](https://x.example/a.png)', '<p><a href=https://x.example/a.png><bdi>a</bdi></a></p>'],
  script: ['[a](javascript:alert)', '<p>a</p>'],
  escaped: ['\\*a\\*', '<p>*a*</p>'],
}

describe('S6: Markdown becomes elements:', () => {
  test.each(Object.entries(cases))('%s', (_, [text, drawn]) => {
    expect(draw(text)).toBe(drawn)
  })
})

test('what visitors typed stays as they typed it, but for addresses', () => {
  const text = '**a**\n- _b_ `c` [d](https://x.example/d) [1] \\e https://x.example/f.'
  expect(html(typed(text))).toBe(
    '**a**\n- _b_ `c` [d](<a href=https://x.example/d><bdi>https://x.example/d</bdi></a>) [1] \\e <a href=https://x.example/f><bdi>https://x.example/f</bdi></a>.',
  )
  expect(html(typed('a@b.example javascript:alert(1) <b>'))).toBe(
    '<a href=mailto:a@b.example><bdi>a@b.example</bdi></a> javascript:alert(1) &lt;b>',
  )
})

const addressed: Readonly<Record<string, readonly [text: string, address: string, after: string]>> = {
  'mail to help': ['help@shop.example', 'mailto:help@shop.example', ''],
  'mail to hello': ['Hello@shop.example.', 'mailto:Hello@shop.example', '.'],
  'mail to what begins as an address': ['https@shop.example', 'mailto:https@shop.example', ''],
  'Chinese behind it': ['https://x.example/help，谢谢您', 'https://x.example/help', '，谢谢您'],
  'Japanese behind it': ['https://x.example/a。ありがとう', 'https://x.example/a', '。ありがとう'],
  'a bracket of full width': ['https://x.example/a）', 'https://x.example/a', '）'],
  'an Arabic question': ['https://x.example/a؟', 'https://x.example/a', '؟'],
  'an Arabic comma': ['https://x.example/a، b', 'https://x.example/a', '، b'],
  'French quotes': ['https://x.example/a»', 'https://x.example/a', '»'],
  'closing quotes': ['https://x.example/b”.', 'https://x.example/b', '”.'],
  'dots in one sign': ['https://x.example/b…', 'https://x.example/b', '…'],
}

describe('an address ends where it does:', () => {
  test.each(Object.entries(addressed))('%s', (_, [text, address, after]) => {
    const link = `<a href=${address}><bdi>${address.replace('mailto:', '')}</bdi></a>${after}`
    expect(draw(text)).toBe(`<p>${link}</p>`)
    expect(html(typed(text))).toBe(link)
  })
})

const piece = fc.oneof(
  fc.constantFrom(
    '*',
    '**',
    '_',
    '`',
    '```',
    '~~',
    '[',
    '](',
    ')',
    '!',
    '> ',
    '- ',
    '1. ',
    '|',
    '\n',
    '\n\n',
    '#',
    '\\',
    '[1]',
    '  ',
  ),
  fc.constantFrom(
    'javascript:',
    'data:text/html,',
    'https://x.example/',
    'vbscript:',
    '<script>',
    '\u202e',
    '\u0000',
    '<a href="',
  ),
  fc.string({ maxLength: 5 }),
)
const hostile = fc.array(piece, { maxLength: 60 }).map(pieces => pieces.join(''))

const allowed = new Set(
  'p strong em del code pre a bdi br hr ul ol li blockquote div table thead tbody tr th td button'.split(' '),
)

test('S6: whatever is written, nothing but harmless elements and addresses comes of it', () => {
  fc.assert(
    fc.property(hostile, text => {
      for (const { type, props } of all([markdown(text, { cite }), typed(text)])) {
        expect(allowed.has(String(type))).toBe(true)
        expect(Object.keys(props).filter(name => /^(on|dangerously|style|src)/i.test(name))).toEqual([])
        if (type !== 'a') continue
        expect(new URL(String(props.href)).protocol).toMatch(/^(https?|mailto):$/)
        expect(props.rel).toBe('noopener noreferrer nofollow')
        expect(html(props.children as ComponentChildren)).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
      }
    }),
    { numRuns: 2_000 },
  )
})

const floods = {
  stars: '*'.repeat(50_000),
  'opened and not closed': '**a '.repeat(12_000),
  'single stars': '*a '.repeat(16_000),
  quotes: '> '.repeat(25_000),
  'many quotes': `${'>'.repeat(200)} a\n`.repeat(200),
  brackets: '['.repeat(50_000),
  'half links': '[a]('.repeat(12_000),
  ticks: Array.from({ length: 300 }, (_, at) => '`'.repeat(at)).join(' '),
  lists: Array.from({ length: 500 }, (_, at) => `${' '.repeat(at)}- a`).join('\n'),
  tables: `${'|'.repeat(5_000)}\n${'|-'.repeat(5_000)}\n${`${'|'.repeat(5_000)}\n`.repeat(20)}`,
  addresses: 'https://'.repeat(6_000),
  mails: 'a.'.repeat(25_000),
  spaces: `# a${' '.repeat(50_000)}b`,
  'spaces in links': `[a](b${' '.repeat(50_000)}`,
}

describe('S6: no text takes long:', () => {
  test.each(Object.entries(floods))('%s', (_, text) => {
    const started = performance.now()
    markdown(text, { cite })
    settle(text)
    expect(performance.now() - started).toBeLessThan(1_500)
  })
})

test('V4: a text that is still being written shows no sign that will become something else', () => {
  const text =
    'You can **return** it [1, 2] within *30* days, see [the page](https://x.example/a). Use `code`.\n\n```\nlet a = **b**\n```\n\n- one **two**\n- three'
  for (let end = 1; end < text.length; end++) {
    const drawn = draw(settle(text.slice(0, end)))
    const shown = drawn.replace(/<pre>.*<\/pre>/s, '').replace(/<[^>]*>/g, '')
    expect(shown, text.slice(0, end)).not.toMatch(/\*\*|`|\]\(|\[/)
  }
  expect(draw(settle('a **bold'))).toBe('<p>a <strong>bold</strong></p>')
  expect(draw(settle('see [the pa'))).toBe('<p>see the pa</p>')
})

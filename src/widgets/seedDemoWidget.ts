import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { createWidget } from './createWidget.ts'
import { listWidgets } from './store.ts'

/** What the page of the demo shop embeds: the widget it was furnished with, or whichever came next, if people have removed that. */
export async function demoWidgetKey(scope: Scope, tx: Transaction): Promise<string | undefined> {
  const widgets = await listWidgets(tx, scope, { limit: 100, after: undefined })
  return widgets.findLast(({ active }) => active)?.publicKey
}

export async function seedDemoWidget(scope: Scope, tx: Transaction, agentId: string): Promise<string> {
  const widget = await createWidget(scope, tx, {
    name: 'Shop',
    agentId,
    allowedDomains: ['localhost', '127.0.0.1'],
    appearance: { accent: '#1f6f5c' },
    chatWindow: {
      title: 'Harbour & Pine',
      subtitle: 'Furniture and things for the home',
      quickReplies: ['How long does delivery take?', 'Can I return it?', 'How do I care for oak?'],
    },
    behaviour: {
      pageContext: 'always',
      proactive: [
        {
          id: 'still-looking',
          message: 'Can I help you find something? Ask me about sizes, delivery or returns.',
          when: { url: '*/demo*', seconds: 20 },
          once: 'visitor',
        },
      ],
    },
  })
  return widget.id
}

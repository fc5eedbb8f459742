import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { createWidget } from './createWidget.ts'

export async function seedDemoWidget(scope: Scope, tx: Transaction): Promise<string> {
  const widget = await createWidget(scope, tx, {
    name: 'Shop',
    allowedDomains: ['localhost', '127.0.0.1'],
    appearance: { primaryColor: '#1f6f5c' },
  })
  return widget.id
}

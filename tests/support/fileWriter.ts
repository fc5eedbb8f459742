/** A program that stores files on disk until it is killed, two at a time, and prints the key of each that is stored. */
import { newId } from '../../src/kernel/index.ts'
import { createDiskStore } from '../../src/providers/diskFiles.ts'

const [, , folder = '', tenantId = ''] = process.argv
const store = createDiskStore(folder)
const part = Buffer.alloc(64 * 1024, 'x')

async function* content() {
  for (let n = 0; n < 8; n += 1) yield part
}

async function write(): Promise<never> {
  for (;;) {
    const key = `${tenantId}/${newId()}`
    await store.put(key, content())
    process.stdout.write(`${key}\n`)
  }
}

await Promise.all([write(), write()])

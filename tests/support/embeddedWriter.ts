/** A program with an embedded database that writes until it is killed, and prints the number of each acknowledged row. */
import pg from 'pg'
import { startEmbedded } from '../../src/db/embedded/index.ts'

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
const database = await startEmbedded({ folder: process.argv[2] ?? '', log: quiet })
const client = new pg.Client(database.connection)
await client.connect()
await client.query('create table if not exists written (n int primary key)')
process.stdout.write(`database ${database.pid}\n`)
for (let n = 1; ; n += 1) {
  await client.query('insert into written values ($1)', [n])
  process.stdout.write(`acked ${n}\n`)
}

import type pg from 'pg'
import type { StoredConversation, StoredMessage } from './history.ts'

type Queryable = Pick<pg.Pool, 'query'>

/** All logs as the database has them, read past the program. */
async function readMessages(owner: Queryable): Promise<StoredMessage[]> {
  const { rows } = await owner.query(`select id, conversation_id as "conversationId", seq::float8 as seq,
    public_seq::float8 as "publicSeq", type, role, text, parts, sender_kind as "senderKind", sender_id as "senderId", client_id as "clientId", parent_id as "parentId",
    created_at as "createdAt", metadata ? 'deleted' as deleted from messages`)
  return rows.map(row => ({ ...row, createdAt: row.createdAt.toISOString() }))
}

export async function readConversations(owner: Queryable): Promise<StoredConversation[]> {
  const { rows } = await owner.query(
    'select id, seq::float8 as seq, public_seq::float8 as "publicSeq" from conversations order by id',
  )
  return rows
}

/** Both as they are in one moment: of writes that still go on, none is in one of them only. */
export async function readRows(
  owner: pg.Pool,
): Promise<{ stored: StoredMessage[]; conversations: StoredConversation[] }> {
  const client = await owner.connect()
  try {
    await client.query('begin isolation level repeatable read read only')
    const rows = { stored: await readMessages(client), conversations: await readConversations(client) }
    await client.query('commit')
    client.release()
    return rows
  } catch (error) {
    // Whatever state its transaction is in, nobody has it after this.
    client.release(true)
    throw error
  }
}

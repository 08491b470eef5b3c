import { expect, test } from 'vitest'
import { followAuditAt, readAuditAt } from '../../../src/deploy/logs/audit.ts'
import { connectionsTo } from '../../../src/deploy/logs/connections.ts'
import { type Answer, fakeServers } from '../fake.ts'

const entry = (at: number) =>
  `entry ${JSON.stringify({ at: `${at}`, by: 'me', action: 'deploy', server: 'web1', result: 'done' })}\n`

/** A place whose connections answer one after the other. */
function placeThat(...answers: Answer[]) {
  const fakes = answers.map(answer => fakeServers(['web1'], { 'read audit': answer, 'follow audit': answer }))
  const [first, ...others] = fakes.map(({ runners }) => runners.get('web1'))
  if (!first) throw new Error('there is a server')
  const connections = connectionsTo(first, async () => others.shift() ?? first)
  const place = { server: 'web1', scope: 'app', connections, signal: new AbortController().signal }
  return { place, scripts: () => fakes.flatMap(({ scripts }) => scripts.map(({ script }) => script.render())) }
}

test('what is read again over a new connection is not there twice', async () => {
  const { place } = placeThat({ stdout: entry(1), lost: true }, { stdout: `${entry(1)}${entry(2)}known here\n` })
  const { entries, known } = await readAuditAt(place, {})
  expect([entries.map(({ at }) => at), known]).toEqual([['1', '2'], ' here'])
})

test('what is followed goes on from what is known, and shows what was cut off once', async () => {
  const { place, scripts } = placeThat(
    { stdout: `${entry(1)}known one\n${entry(2)}`, lost: true },
    { stdout: `${entry(2)}${entry(3)}known three\n`, code: 1, stderr: 'sed: no\n' },
  )
  const shown: string[] = []
  await expect(followAuditAt(place, ' begun', ({ at }) => shown.push(at))).rejects.toMatchObject({
    message: 'web1: the audit cannot be read: sed: no',
  })
  expect(shown).toEqual(['1', '2', '3'])
  expect(scripts().map(text => /^known=(.*)$/m.exec(text)?.[1])).toEqual(["' begun'", "' one'"])
})

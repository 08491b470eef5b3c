import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Engine } from '../../src/config/config.ts'
import { localRunner } from '../../src/runner/local.ts'
import { tidyBuilt } from '../../src/shell/builder-images.ts'

const engines: Engine[] = ['docker', 'podman']

describe.each(engines.map(engine => [engine, answers(engine)] as const))('with %s', (engine, hasEngine) => {
  const scope = `tidy-${process.pid}`
  const own = `localhost:9270/${scope}-web`
  const run = (...words: string[]) => execFileSync(engine, words, { encoding: 'utf8', stdio: 'pipe' }).trim()
  const ids: string[] = []
  /** An image of one file that differs. */
  const make = async (name: string, project: string) => {
    const tar = execFileSync('tar', ['-cf', '-', '--transform', `s/^.*$/${ids.length}/`, '-P', import.meta.filename])
    execFileSync(engine, ['import', '--change', `LABEL jiji.project=${project}`, '--change', 'CMD ["/0"]', '-', name], {
      input: tar,
      stdio: 'pipe',
    })
    ids.push(run('image', 'inspect', '--format', '{{.Id}}', name))
  }
  const names = () =>
    run('images', '--format', '{{.Repository}}:{{.Tag}}')
      .split('\n')
      .filter(name => name.includes(scope))
      .map(name => name.replace(/^.*?\//, ''))
      .toSorted()
  afterEach(() => {
    for (const id of ids.splice(0)) {
      try {
        run('rmi', '-f', id)
      } catch {}
    }
  })

  test.skipIf(!hasEngine)('keeps what is of now, the newest others, what is used and what is not ours', async () => {
    for (const version of [1, 2, 3, 4]) await make(`${own}:${version}`, scope)
    await sleep(1100) // engines order images by the second in which they were made
    await make(`${own}:again`, scope)
    await make(`${own}:again`, scope) // the first one has no name now
    await make(`${own}-else:1`, scope)
    await make(`${own}:strange`, 'another')
    const container = run('create', `${own}:2`)
    try {
      const script = tidyBuilt(engine, scope, { repository: own, keep: [`${own}:1`], others: 1 })
      const { code, stdout } = await localRunner('here').run(script)
      const unnamed = ids[4]?.replace('sha256:', '').slice(0, 12)
      expect([code, stdout.trim().split('\n').toSorted()]).toEqual([
        0,
        [`gone ${own}:3`, `gone ${own}:4`, `gone ${unnamed}`].toSorted(),
      ])
      const left = ['1', '2', 'again', 'strange'].map(tag => `${scope}-web:${tag}`)
      expect(names()).toEqual([...left, `${scope}-web-else:1`].toSorted())
    } finally {
      run('rm', container)
    }
  })
})

function answers(engine: Engine): boolean {
  try {
    execFileSync(engine, ['info'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

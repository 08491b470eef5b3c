import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'

type Target = { address: string; host: string }

export type Seen = {
  requests: number
  /** Connections that could not be made or broke, and requests without an answer in 10 s. */
  lost: number
  /** Answers with another status than 200, or with another body than a version. */
  wrong: number
  versions: string[]
}

// Each connection rests for 10 ms between two requests, which is when a proxy that reloads would close it.
const script = `local threads = {}
function setup(thread) table.insert(threads, thread) end
function init() wrong = 0; versions = ' ' end
function delay() return 10 end
function response(status, headers, body)
  if status ~= 200 or not body:match('^v%d+$') then wrong = wrong + 1
  elseif not versions:find(' ' .. body .. ' ', 1, true) then versions = versions .. body .. ' ' end
end
function done(summary)
  local errors, thread = summary.errors, threads[1]
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('\\nseen %d %d %d%s\\n', summary.requests, lost, thread:get('wrong'), thread:get('versions')))
end
`

/** wrk on a server, once with connections that stay and once with a new one for each request, until it is stopped. */
export async function startWrk({ address, host }: Target): Promise<{ stop(): Promise<[kept: Seen, closed: Seen]> }> {
  const folder = await mkdtemp(join(tmpdir(), 'jiji-wrk-'))
  const file = join(folder, 'load.lua')
  await writeFile(file, script)
  const start = (...headers: string[]) => {
    const words = ['-t1', '-c4', '-d3600s', '--timeout', '10s', '-s', file]
    const given = [`Host: ${host}`, ...headers].flatMap(header => ['-H', header])
    return execa('wrk', [...words, ...given, `http://${address}/`], { reject: false })
  }
  const running = [start(), start('Connection: close')] as const
  return {
    async stop() {
      for (const one of running) one.kill('SIGINT')
      const [kept, closed] = await Promise.all(running)
      await rm(folder, { recursive: true })
      return [seenIn(kept.stdout), seenIn(closed.stdout)]
    },
  }
}

function seenIn(output: string): Seen {
  const [, requests, lost, wrong, versions = ''] = /^seen (\d+) (\d+) (\d+) (.*)$/m.exec(output) ?? []
  if (requests === undefined) throw new Error(`wrk did not say what it saw: ${output}`)
  return { requests: Number(requests), lost: Number(lost), wrong: Number(wrong), versions: versions.trim().split(' ') }
}

import type { Finding } from '../deploy/doctor/finding.ts'

/** Which checks of each place came to what: for a terminal on which a row for each would take several screens. */
export function renderStates(findings: readonly Finding[]): string {
  const places = [...new Set(findings.map(({ place }) => place))]
  const column = Math.max(...places.map(place => place.length)) + 2
  return places
    .flatMap(place => {
      const own = findings.filter(one => one.place === place)
      return states.flatMap(state => {
        const checks = [...new Set(own.filter(one => one.state === state).map(({ check }) => check))]
        return checks.length > 0 ? [`${place.padEnd(column)}${state}: ${checks.join(', ')}`] : []
      })
    })
    .join('\n')
}

const states: readonly Finding['state'][] = ['ok', 'problem', 'warning', 'unknown']

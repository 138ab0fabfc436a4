// Fills the holes of one template, as wrk.lua does, for machines that have k6 and no wrk.
import http from 'k6/http';
import exec from 'k6/execution';
import { Counter } from 'k6/metrics';

const ask = JSON.parse(open(__ENV.ASK));
const refused = new Counter('refused');

const one = ask.values.length > 0
  ? { executor: 'shared-iterations', iterations: ask.values.length, maxDuration: `${ask.seconds}s` }
  : { executor: 'constant-vus', duration: `${ask.seconds}s` };

export const options = {
  scenarios: { one: { ...one, vus: ask.vus } },
  discardResponseBodies: true,
  summaryTrendStats: ['med', 'p(99)'],
};

function fill(text, number) {
  return text
    .replaceAll(ask.NUMBER, String(number).padStart(ask.DIGITS, '0'))
    .replaceAll(ask.OFFER, String(number % ask.OFFERS).padStart(2, '0'));
}

export default function () {
  const asked = exec.scenario.iterationInTest;
  const first = ask.first + asked * Math.max(ask.items, 1);
  const headers = {};
  for (const name of Object.keys(ask.headers)) {
    headers[name] = fill(ask.headers[name], first).replace(ask.VALUE, ask.values[asked]);
  }
  const orders = [];
  for (let at = 0; at < ask.items; at++) {
    orders.push(fill(ask.item, first + at));
  }
  const body = ask.items > 0 ? ask.head + orders.join(',') + ask.tail : null;
  const answer = http.request(ask.method, ask.url, body, { headers });
  if (answer.status !== 200 && answer.status !== 201) {
    refused.add(1);
  }
}

export function handleSummary(data) {
  const times = data.metrics.http_req_duration.values;
  const told = {
    answers: data.metrics.http_reqs.values.count,
    ms: data.state.testRunDurationMs,
    p50_ms: times.med,
    p99_ms: times['p(99)'],
    refused: data.metrics.refused ? data.metrics.refused.values.count : 0,
  };
  return { stdout: `\nK6 ${JSON.stringify(told)}\n` };
}

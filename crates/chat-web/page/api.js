// The requests of docs/web.md. Each returns the body, or throws `ApiError` with the gateway's code.

import { LOAD } from './rows.js';

export class ApiError extends Error {
  /** @param {string} code @param {number|null} retryAfter */
  constructor(code, retryAfter) {
    super(code);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** @param {string} path @param {object} [body] @returns {Promise<any>} */
async function call(path, body) {
  let response;
  try {
    response = await fetch(path, body === undefined ? { cache: 'no-store' } : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  } catch {
    throw new ApiError('offline', null);
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(answer?.code ?? `http_${response.status}`, answer?.retry_after_ms ?? null);
  if (answer === null) throw new ApiError('malformed', null);
  return answer;
}

export const me = () => call('/api/me');
/** @param {string} nickname */
export const register = (nickname) => call('/api/register', { nickname });
/** @param {string} token */
export const login = (token) => call('/api/login', { token });
export const logout = () => call('/api/logout', {});
/** @param {string} before */
export const messages = (before) => call(`/api/messages?before=${encodeURIComponent(before)}&limit=${LOAD}`);
/** @param {string} q @param {string|null} before */
export const search = (q, before) => call(`/api/search?q=${encodeURIComponent(q)}${before ? `&before=${encodeURIComponent(before)}` : ''}`);

import { API, call, callJson } from './http';
import { readLines } from './ndjson';
import type {
  EditsDone,
  Entry,
  FileActions,
  Found,
  Listed,
  NodeId,
  Place,
  Space,
  SpaceActions,
  SpaceId,
  TrashPage,
  UploadActions,
  UploadDone,
  UploadState,
  Version,
} from './types';

/** The door for the browser, as far as open spaces go: the server reads and writes for us. */
const spacePath = (space: SpaceId): string => `/web/spaces/${encodeURIComponent(space)}`;
const nodePath = (space: SpaceId, node: NodeId): string =>
  `${spacePath(space)}/nodes/${encodeURIComponent(node)}`;

export const spaces: SpaceActions = {
  async list() {
    return (await callJson<{ spaces: Space[] }>('/web/spaces')).spaces;
  },
};

export const files: FileActions = {
  place: (space, node) => callJson<Place>(nodePath(space, node)),

  async children(space, node, take, signal) {
    const answer = await call(`${nodePath(space, node)}/children`, { signal });
    const end = await readLines<Entry>(bodyOf(answer), take);
    return end as unknown as Listed;
  },

  edit: (space, edits) =>
    callJson<EditsDone>(`${spacePath(space)}/edits`, { method: 'POST', json: { edits } }),

  contentUrl(space, node, { version, download } = {}) {
    const query = new URLSearchParams();
    if (version !== undefined) query.set('version', version);
    if (download) query.set('download', '1');
    return `${API}${nodePath(space, node)}/content?${query}`;
  },

  async read(space, node, limit, signal, version) {
    if (limit <= 0) return new Uint8Array();
    const query = version === undefined ? '' : `?version=${encodeURIComponent(version)}`;
    const headers = { Range: `bytes=0-${limit - 1}` };
    const answer = await call(`${nodePath(space, node)}/content${query}`, { headers, signal });
    return new Uint8Array(await answer.arrayBuffer()).subarray(0, limit);
  },

  zipUrl(space, nodes) {
    const query = new URLSearchParams(nodes.map((node) => ['node', node]));
    return `${API}${spacePath(space)}/zip?${query}`;
  },

  async search(space, text, filter, take, signal) {
    const query = new URLSearchParams({ q: text });
    if (filter.kind) query.set('kind', filter.kind);
    if (filter.minSize !== undefined) query.set('minSize', String(filter.minSize));
    if (filter.maxSize !== undefined) query.set('maxSize', String(filter.maxSize));
    if (filter.afterMs !== undefined) query.set('after', String(filter.afterMs));
    if (filter.beforeMs !== undefined) query.set('before', String(filter.beforeMs));
    const answer = await call(`${spacePath(space)}/search?${query}`, { signal });
    await readLines<Found>(bodyOf(answer), take);
  },

  async versions(space, node) {
    return (await callJson<{ versions: Version[] }>(`${nodePath(space, node)}/versions`)).versions;
  },

  trash(space, after) {
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
    return callJson<TrashPage>(`${spacePath(space)}/trash${query}`);
  },
};

const uploadPath = (space: SpaceId, upload: string): string =>
  `${spacePath(space)}/uploads/${encodeURIComponent(upload)}`;

export const uploads: UploadActions = {
  async small(space, { parent, name, modifiedMs, onTaken }, bytes, signal) {
    const query = new URLSearchParams({ parent, name, modifiedMs: String(modifiedMs), onTaken });
    const headers = { 'Content-Type': 'application/octet-stream' };
    const init = { method: 'POST', headers, body: bytes, signal };
    return callJson<UploadDone>(`${spacePath(space)}/files?${query}`, init);
  },

  begin: (space, upload, signal) =>
    callJson<UploadState>(`${spacePath(space)}/uploads`, { method: 'POST', json: upload, signal }),

  async send(space, upload, offset, bytes, signal) {
    const headers = { 'Upload-Offset': String(offset), 'Content-Type': 'application/octet-stream' };
    const init = { method: 'PATCH', headers, body: bytes, signal };
    return (await callJson<UploadState>(uploadPath(space, upload), init)).offset;
  },

  async offset(space, upload, signal) {
    return (await callJson<UploadState>(uploadPath(space, upload), { signal })).offset;
  },

  finish: (space, upload, signal) =>
    callJson<UploadDone>(`${uploadPath(space, upload)}/finish`, { method: 'POST', signal }),

  async cancel(space, upload) {
    await call(uploadPath(space, upload), { method: 'DELETE' });
  },
};

function bodyOf(answer: Response): ReadableStream<Uint8Array> {
  return answer.body ?? new ReadableStream({ start: (stream) => stream.close() });
}

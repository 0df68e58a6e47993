"""A model provider on loopback that speaks the APIs of OpenAI and Anthropic, with answers that a test writes."""

import base64
import email.parser
import email.policy
import json
import struct
import threading

from .site import Site, answer


class Models(Site):
    """`text` is what it answers, in the pieces in which it streams them; `tool` the name of a tool that it calls and the
    pieces of its arguments. A model named `fails-STATUS` fails with that status. `paused` makes a stream wait for
    `go_on` behind its first piece; `left` is set when a client hangs up while it waits."""

    def __init__(self):
        super().__init__()
        self.text, self.tool = ["hello"], None
        self.paused, self.go_on, self.left = False, threading.Event(), threading.Event()
        self.files = {}
        self.default = self.respond

    def respond(self, request, file):
        path = request.target.partition("?")[0]
        kind = request.get("content-type") or ""
        document = json.loads(request.body) if "json" in kind and request.body else {}
        status = str(document.get("model", "")).rpartition("fails-")[2]
        if status.isdigit():
            return self.fail(file, path, status)
        calls = {
            "/v1/chat/completions": self.chat, "/v1/responses": self.response, "/v1/messages": self.message,
            "/v1/embeddings": self.embeddings, "/v1/messages/count_tokens": self.count, "/v1/models": self.models,
        }
        if path.startswith("/v1/files"):
            return self.file(request, path, file)
        if path not in calls:
            return self.whole(file, {"error": {"message": f"no such path {path}", "type": "invalid_request_error"}}, "404 Not Found")
        return calls[path](document, file)

    def last(self):
        """The document that it was asked last."""
        return json.loads(self.requests[-1].body)

    def whole(self, file, document, status="200 OK", headers=()):
        file.write(answer(json.dumps(document), "application/json", status, [("x-request-id", "req_1"), *headers]))

    def fail(self, file, path, status):
        message = f"it failed with {status}"
        error = {"type": "error", "error": {"type": "overloaded_error", "message": message}} if "messages" in path else {
            "error": {"message": message, "type": "server_error", "code": "it_failed", "param": "model"}}
        self.whole(file, error, f"{status} Failed", [("Retry-After-Ms", "1")])

    def stream(self, file, events, named=False, done=True):
        """Sends events; stops behind the third when it is to pause, until it may go on or the client has gone."""
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\nx-request-id: req_1\r\n\r\n"
        file.write(head.encode())
        for number, event in enumerate(events):
            name = f"event: {event['type']}\n" if named else ""
            self.event(file, f"{name}data: {json.dumps(event)}\n\n")
            while self.paused and number >= 2 and not self.go_on.wait(0.05):
                try:
                    self.event(file, ": still here\n\n")
                except OSError:
                    self.left.set()
                    return True
        if done:
            self.event(file, "data: [DONE]\n\n")
        file.write(b"0\r\n\r\n")

    def event(self, file, text):
        data = text.encode()
        file.write(b"%x\r\n%s\r\n" % (len(data), data))
        file.flush()

    # --- OpenAI ------------------------------------------------------------------------------------------

    def chat(self, document, file):
        base = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1741569952, "model": document["model"]}
        usage = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
        why = "tool_calls" if self.tool else "stop"
        call = {"index": 0, "id": "call_1", "type": "function"}
        if not document.get("stream"):
            message = {"role": "assistant", "content": "".join(self.text), "refusal": None}
            if self.tool:
                name, pieces = self.tool
                message["tool_calls"] = [{"id": "call_1", "type": "function", "function": {"name": name, "arguments": "".join(pieces)}}]
            choice = {"index": 0, "message": message, "finish_reason": why, "logprobs": None}
            return self.whole(file, {**base, "choices": [choice], "usage": usage})
        base["object"] = "chat.completion.chunk"

        def chunk(delta, reason=None):
            return {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

        events = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": piece}) for piece in self.text)]
        if self.tool:
            name, pieces = self.tool
            events.append(chunk({"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]}))
            events += [chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}) for piece in pieces]
        events.append(chunk({}, why))
        if document.get("stream_options", {}).get("include_usage"):
            events.append({**base, "choices": [], "usage": usage})
        return self.stream(file, events)

    def response(self, document, file):
        text = "".join(self.text)
        part = {"type": "output_text", "text": text, "annotations": []}
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
        whole = {"id": "resp_1", "object": "response", "created_at": 1741569952, "model": document["model"], "status": "completed",
                 "output": [item], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
                 "usage": {"input_tokens": 9, "output_tokens": 12, "total_tokens": 21,
                           "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}}
        if not document.get("stream"):
            return self.whole(file, whole)
        place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        events = [{"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
                  {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
                  {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}]
        events += [{"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []} for piece in self.text]
        events += [{"type": "response.output_text.done", **place, "text": text, "logprobs": []},
                   {"type": "response.content_part.done", **place, "part": part},
                   {"type": "response.output_item.done", "output_index": 0, "item": item},
                   {"type": "response.completed", "response": whole}]
        return self.stream(file, ({**event, "sequence_number": at} for at, event in enumerate(events)), named=True, done=False)

    def embeddings(self, document, file):
        texts = document["input"] if isinstance(document["input"], list) else [document["input"]]
        vectors = [[len(text) / 7, -0.25, 1e-3] for text in texts]
        if document.get("encoding_format") == "base64":
            vectors = [base64.b64encode(struct.pack("<3f", *vector)).decode() for vector in vectors]
        data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
        self.whole(file, {"object": "list", "model": document["model"], "data": data, "usage": {"prompt_tokens": 3, "total_tokens": 3}})

    def models(self, _, file):
        data = [{"id": name, "object": "model", "created": 1741569952, "owned_by": "tests"} for name in ("small", "large")]
        self.whole(file, {"object": "list", "data": data})

    def file(self, request, path, out):
        if request.method == "POST":
            head = b"Content-Type: " + request.get("content-type").encode() + b"\r\n\r\n"
            parts = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body).iter_parts()
            (part,) = (part for part in parts if part.get_param("name", header="content-disposition") == "file")
            id = f"file-{len(self.files) + 1}"
            self.files[id] = part.get_filename(), part.get_payload(decode=True)
        else:
            id = path.split("/")[3]
        name, content = self.files[id]
        if path.endswith("/content"):
            return out.write(answer(content, "application/octet-stream")) and None
        self.whole(out, {"id": id, "object": "file", "bytes": len(content), "created_at": 1, "filename": name, "purpose": "batch", "status": "processed"})

    # --- Anthropic ---------------------------------------------------------------------------------------

    def message(self, document, file):
        blocks = [{"type": "text", "text": "".join(self.text)}]
        if self.tool:
            name, pieces = self.tool
            blocks.append({"type": "tool_use", "id": "toolu_1", "name": name, "input": json.loads("".join(pieces))})
        usage = {"input_tokens": 9, "output_tokens": 12}
        whole = {"id": "msg_1", "type": "message", "role": "assistant", "model": document["model"], "content": blocks,
                 "stop_reason": "tool_use" if self.tool else "end_turn", "stop_sequence": None, "usage": usage}
        if not document.get("stream"):
            return self.whole(file, whole)
        events = [{"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}]
        for at, block in enumerate(blocks):
            is_text = block["type"] == "text"
            events.append({"type": "content_block_start", "index": at, "content_block": {**block, **({"text": ""} if is_text else {"input": {}})}})
            pieces = self.text if is_text else self.tool[1]
            deltas = [{"type": "text_delta", "text": piece} if is_text else {"type": "input_json_delta", "partial_json": piece} for piece in pieces]
            events += [{"type": "content_block_delta", "index": at, "delta": delta} for delta in deltas]
            events.append({"type": "content_block_stop", "index": at})
        events += [{"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None}, "usage": usage},
                   {"type": "message_stop"}]
        return self.stream(file, events, named=True, done=False)

    def count(self, _, file):
        self.whole(file, {"input_tokens": 42})

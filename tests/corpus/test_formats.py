"""One tiny example of each format, and what is read from it."""

import json

import pytest

from chatbot.corpus.pairs import extract_pairs
from chatbot.corpus.readers import read_conversations
from chatbot.corpus.records import Conversation, ReadingLog
from chatbot.errors import CorpusError

TALK = [("Hi!", "Hello."), ("Bye.", "See you.")]


def written(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def turns_in(path):
    return [conversation.turns for conversation in read_conversations(path)]


# Tables


@pytest.mark.parametrize(
    "header",
    ["question,answer", "Source,Target", "prompt,response", "input,output", "text1,text2"],
)
def test_a_header_row_of_known_names_is_no_conversation(tmp_path, header):
    path = written(tmp_path, "faq.csv", f"{header}\nHi!,Hello.\nBye.,See you.\n")
    assert turns_in(path) == TALK


def test_a_header_row_of_unknown_names_is_told_by_its_look_and_noted(tmp_path):
    path = written(tmp_path, "faq.csv", "kunde,berater\nHi!,Hello.\nBye.,See you.\n")
    log = ReadingLog()
    assert [c.turns for c in read_conversations(path, log)] == TALK
    assert "'kunde' and 'berater'" in next(iter(log.notes))


def test_a_first_row_like_the_others_is_data(tmp_path):
    path = written(tmp_path, "faq.csv", "hi,hello\nbye,ciao\nthanks,welcome\n")
    assert turns_in(path) == [("hi", "hello"), ("bye", "ciao"), ("thanks", "welcome")]


def test_blank_lines_before_the_header_are_passed_over(tmp_path):
    path = written(tmp_path, "faq.csv", "\n,\nquestion,answer\nHi!,Hello.\nBye.,See you.\n")
    assert turns_in(path) == TALK


def test_a_title_above_the_table_is_no_header(tmp_path):
    path = written(tmp_path, "faq.csv", "Our questions\nHi!,Hello.\nBye.,See you.\n")
    assert turns_in(path) == TALK


def test_a_quoted_cell_may_hold_commas_and_line_ends(tmp_path):
    path = written(
        tmp_path, "a.csv", 'question,answer\n"One,\ntwo?","Say ""three""."\nHi!,Hello.\n'
    )
    first, second = read_conversations(path)
    assert first == Conversation("a.csv:2", ("One,\ntwo?", 'Say "three".'))
    assert second.id == "a.csv:4"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    rows = ["question|answer|n", "Hi!|Hello.|1", "Bye.|See you.|2"]
    path = written(tmp_path, "a.csv", "\n".join(rows).replace("|", delimiter))
    assert turns_in(path) == TALK


def test_question_and_answer_win_over_a_column_named_source(tmp_path):
    text = "Question\tAnswer\tSource\tMetadata\nHi!\tHello.\tqna\teditorial\n"
    assert turns_in(written(tmp_path, "a.tsv", text)) == [("Hi!", "Hello.")]


def test_columns_of_numbers_are_passed_over_where_nothing_is_named(tmp_path):
    text = "1,Hi there!,Hello to you.\n2,Bye for now.,See you.\n3,Thanks a lot.,Welcome.\n"
    path = written(tmp_path, "a.csv", text)
    assert turns_in(path)[0] == ("Hi there!", "Hello to you.")


def test_quotation_marks_of_a_tsv_may_be_part_of_the_text(tmp_path):
    text = '"Look," she said.\tWhere?\nHe said "no\tOh.\n'
    path = written(tmp_path, "a.tsv", text)
    assert turns_in(path) == [('"Look," she said.', "Where?"), ('He said "no', "Oh.")]


def test_a_tsv_that_quotes_properly_is_unquoted(tmp_path):
    path = written(tmp_path, "a.tsv", '"Two\nlines?"\tYes.\nOne?\tNo.\n')
    assert turns_in(path) == [("Two\nlines?", "Yes."), ("One?", "No.")]


def test_a_row_without_reply_is_skipped_and_counted(tmp_path):
    log = ReadingLog()
    path = written(tmp_path, "a.tsv", "Hi!\tHello.\nalone\nBye.\tSee you.\n")
    assert [c.turns for c in read_conversations(path, log)] == TALK
    assert log.notes == {"a.tsv: rows without a reply column, skipped": 1}


def test_one_turn_a_row_is_grouped_by_its_conversation(tmp_path):
    text = "conversation_id,speaker,text\n7,ann,Hi!\n7,bob,Hello.\n8,ann,Bye.\n8,bob,See you.\n"
    first, second = read_conversations(written(tmp_path, "a.csv", text))
    assert first == Conversation("a.csv:7", TALK[0], ("ann", "bob"))
    assert second == Conversation("a.csv:8", TALK[1], ("ann", "bob"))


def test_one_column_named_turn_is_cut_at_blank_rows(tmp_path):
    path = written(tmp_path, "a.csv", "turn\nHi!\nHello.\n\nBye.\nSee you.\n")
    assert turns_in(path) == TALK


def test_a_column_named_turn_beside_the_text_holds_numbers(tmp_path):
    text = "conversation_id,turn,speaker,text\n7,1,ann,Hi!\n7,2,bob,Hello.\n"
    assert turns_in(written(tmp_path, "a.csv", text)) == [TALK[0]]


def test_a_column_named_turn_holds_the_text_where_no_other_does(tmp_path):
    text = "conversation_id,speaker,turn\n7,ann,Hi!\n7,bob,Hello.\n"
    assert turns_in(written(tmp_path, "a.csv", text)) == [TALK[0]]


def test_the_input_column_of_an_alpaca_table_is_joined_with_the_instruction(tmp_path):
    text = "instruction,input,output\nTranslate:,chat,cat\nSay hi.,,Hi!\n"
    assert turns_in(written(tmp_path, "a.csv", text)) == [
        ("Translate: chat", "cat"),
        ("Say hi.", "Hi!"),
    ]


def test_numbered_columns_are_the_turns_of_a_row_in_their_order(tmp_path):
    text = "topic,Answer.sentence10,Answer.sentence1,Answer.sentence2\nx,c,a,b\nx,,d,e\n"
    assert turns_in(written(tmp_path, "a.csv", text)) == [("a", "b", "c"), ("d", "e")]


# JSON


def test_neutral_jsonl_keeps_ids_speakers_and_the_side_to_learn(tmp_path):
    record = {"id": "x1", "turns": ["a", "b"], "speakers": ["p", "q"], "reply_speaker": "q"}
    path = written(tmp_path, "a.jsonl", json.dumps(record) + '\n\n{"turns": ["c", "d"]}\n')
    assert list(read_conversations(path)) == [
        Conversation("a.jsonl:x1", ("a", "b"), ("p", "q"), "q"),
        Conversation("a.jsonl:3", ("c", "d")),
    ]


def test_openai_messages_leave_the_system_out_and_learn_the_assistant(tmp_path):
    parts = [{"type": "text", "text": "Hi!"}, {"type": "image_url", "image_url": {}}]
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": "Hello."},
    ]
    path = written(tmp_path, "a.jsonl", json.dumps({"messages": messages}))
    (conversation,) = read_conversations(path)
    assert conversation == Conversation("a.jsonl:1", TALK[0], ("user", "assistant"), "assistant")


def test_sharegpt_learns_gpt(tmp_path):
    turns = [{"from": "human", "value": "Hi!"}, {"from": "gpt", "value": "Hello."}]
    path = written(tmp_path, "a.json", json.dumps([{"conversations": turns}], indent=1))
    (conversation,) = read_conversations(path)
    assert conversation == Conversation("a.json:1", TALK[0], ("human", "gpt"), "gpt")


@pytest.mark.parametrize(
    "names", [("source", "target"), ("question", "answer"), ("prompt", "response")]
)
def test_pairs_are_read_from_jsonl_and_from_a_list(tmp_path, names):
    records = [dict(zip(names, pair, strict=True)) for pair in TALK]
    lines = "\n".join(map(json.dumps, records))
    assert turns_in(written(tmp_path, "a.jsonl", lines)) == TALK
    assert turns_in(written(tmp_path, "b.json", lines)) == TALK
    assert turns_in(written(tmp_path, "c.json", json.dumps(records))) == TALK


def test_an_alpaca_instruction_is_joined_with_its_input(tmp_path):
    record = {"instruction": "Translate:", "input": "chat", "output": "cat"}
    path = written(tmp_path, "a.json", json.dumps([record]))
    assert turns_in(path) == [("Translate: chat", "cat")]


def test_a_history_and_its_reply_are_one_conversation(tmp_path):
    path = written(tmp_path, "a.jsonl", '{"history": ["a", "b", "c"], "reply": "d"}')
    assert turns_in(path) == [("a", "b", "c", "d")]


@pytest.mark.parametrize(
    ("record", "turns"),
    [
        ({"prompt": "Hi", "response": "Hello!", "history": []}, ("Hi", "Hello!")),
        (
            {"prompt": "And you?", "response": "Fine.", "history": [["Hi", "Hello!"]]},
            ("Hi", "Hello!", "And you?", "Fine."),
        ),
        (
            {"history": ["Hi", "Hello!"], "question": "How are you?", "answer": "Fine."},
            ("Hi", "Hello!", "How are you?", "Fine."),
        ),
        (
            {"instruction": "Say:", "input": "a", "output": "a", "history": [["b", "c"]]},
            ("b", "c", "Say: a", "a"),
        ),
    ],
)
def test_a_message_stands_between_its_history_and_its_reply(tmp_path, record, turns):
    assert turns_in(written(tmp_path, "a.jsonl", json.dumps(record))) == [turns]


def test_lists_of_lists_are_conversations_and_spaced_chinese_is_joined(tmp_path):
    text = '[["我 饿 了 。", "吃 N B A 吧"],\n ["Hi there", "Hello you"]]'
    path = written(tmp_path, "lccc.json", text)
    assert turns_in(path) == [("我饿了。", "吃NBA吧"), ("Hi there", "Hello you")]


def test_turns_may_be_objects_with_text_and_speaker(tmp_path):
    turns = [{"speaker": "ann", "text": "Hi!"}, {"speaker": "bob", "text": "Hello."}]
    path = written(tmp_path, "a.jsonl", json.dumps({"turns": turns}))
    (conversation,) = read_conversations(path)
    assert (conversation.turns, conversation.speakers) == (TALK[0], ("ann", "bob"))
    assert conversation.reply_speaker is None


def test_an_object_of_records_is_read_by_its_values(tmp_path):
    topical = {
        "t_1": {"content": [{"message": "Hi!", "agent": "a"}, {"message": "Yo", "agent": "b"}]}
    }
    path = written(tmp_path, "a.json", json.dumps(topical))
    assert turns_in(path) == [("Hi!", "Yo")]


@pytest.mark.parametrize(
    "document",
    [
        {"conversations": TALK},
        {"categories": ["AI"], "conversations": TALK},
        {"conversations": [{"turns": turns} for turns in TALK]},
        {"version": "1.0", "data": [{"question": q, "answer": a} for q, a in TALK]},
        {"data": [{"message": q, "reply": a} for q, a in TALK]},
        {"train": TALK[:1], "valid": TALK[1:]},
    ],
)
def test_an_object_may_hold_a_list_of_records(tmp_path, document):
    assert turns_in(written(tmp_path, "a.json", json.dumps(document, indent=1))) == TALK


@pytest.mark.parametrize("roles", [({"role": "user"}, {"role": "assistant"}), ({}, {})])
def test_a_list_of_turns_made_of_parts_is_no_list_of_records(tmp_path, roles):
    parts = [[{"type": "text", "text": text}] for text in TALK[0]]
    messages = [{**role, "content": part} for role, part in zip(roles, parts, strict=True)]
    path = written(tmp_path, "a.json", json.dumps({"messages": messages}, indent=1))
    assert turns_in(path) == [TALK[0]]


def test_json_is_known_without_its_ending(tmp_path):
    assert turns_in(written(tmp_path, "export.txt", '{"turns": ["a", "b"]}\n')) == [("a", "b")]


# Plain text


def test_plain_text_has_a_turn_a_line_and_blank_lines_between_conversations(tmp_path):
    path = written(tmp_path, "a.txt", "\nHi!\nHello.\n\n\nBye.\nSee you.\n")
    assert list(read_conversations(path)) == [
        Conversation("a.txt:2", TALK[0]),
        Conversation("a.txt:6", TALK[1]),
    ]


def test_plain_text_without_blank_lines_is_one_conversation(tmp_path):
    path = written(tmp_path, "a.txt", "Hi!\nHello.\nBye.\nSee you.")
    assert turns_in(path) == [("Hi!", "Hello.", "Bye.", "See you.")]


def test_dailydialog_is_cut_at_its_mark_and_its_spacing_mended(tmp_path):
    line = "Don ’ t you ( really ) know , Jim ? __eou__ I ’ m fine , it's $ 5 . __eou__\n"
    path = written(tmp_path, "dialogues_text.txt", line)
    assert turns_in(path) == [("Don’t you (really) know, Jim?", "I’m fine, it's $5.")]


def test_personachat_leaves_personas_out_and_starts_anew_at_number_1(tmp_path):
    text = (
        "1 your persona: i have two dogs.\n2 hi !\thello .\n3 bye .\tsee you .\n"
        "1 your persona: i like cars.\n2 yo\they\t\tcandidate|other\n"
    )
    path = written(tmp_path, "valid.txt", text)
    assert turns_in(path) == [("hi!", "hello.", "bye.", "see you."), ("yo", "hey")]


def test_xiaohuangji_blocks_are_conversations(tmp_path):
    path = written(
        tmp_path, "x.conv", "E\nM 呵呵\nM 是王若猫的。\nE\r\nM 不是\r\nM 那是什么？\nM 嗯\n"
    )
    assert list(read_conversations(path)) == [
        Conversation("x.conv:1", ("呵呵", "是王若猫的。")),
        Conversation("x.conv:4", ("不是", "那是什么？", "嗯")),
    ]


# Parallel files


@pytest.mark.parametrize(
    ("messages", "replies"),
    [
        ("x.source", "x.target"),
        ("x.src", "x.tgt"),
        ("train.a", "train.b"),
        ("questions.txt", "answers.txt"),
        ("src-train.txt", "tgt-train.txt"),
    ],
)
def test_either_of_two_parallel_files_and_their_folder_read_both(tmp_path, messages, replies):
    first = written(tmp_path, messages, "Hi!\nBye.\n")
    second = written(tmp_path, replies, "Hello.\nSee you.\n")
    assert turns_in(first) == turns_in(second) == turns_in(tmp_path) == TALK


def test_parallel_files_of_different_length_are_an_error_that_names_the_line(tmp_path):
    path = written(tmp_path, "x.source", "Hi!\nBye.\n")
    written(tmp_path, "x.target", "Hello.\n")
    with pytest.raises(CorpusError, match=r"x\.target ends after line 1 but x\.source goes on"):
        turns_in(path)


def test_files_named_a_and_b_are_not_parallel(tmp_path):
    written(tmp_path, "a.txt", "Hi!\nHello.\n")
    written(tmp_path, "b.txt", "Bye.\nSee you.\n")
    assert turns_in(tmp_path) == TALK


# YAML


def test_chatterbot_yaml_reads_every_scalar_as_text(tmp_path):
    text = "categories:\n- AI\nconversations:\n- - yes\n  - 42\n- - Note: this\n  - null\n"
    path = written(tmp_path, "ai.yml", text)
    assert list(read_conversations(path)) == [
        Conversation("ai.yml:1", ("yes", "42")),
        Conversation("ai.yml:2", ("Note: this", "null")),
    ]


def test_a_yaml_item_that_is_no_list_is_skipped_and_counted(tmp_path):
    log = ReadingLog()
    path = written(tmp_path, "t.yml", "conversations:\n- Which number? - '22'\n- - a\n  - b\n")
    assert [c.turns for c in read_conversations(path, log)] == [("a", "b")]
    assert sum(log.notes.values()) == 1


def test_a_situation_gives_each_wording_each_reply_under_the_id_of_the_wording(tmp_path):
    text = "situations:\n- says: [hi, hey]\n  replies: [Hello!, Hi!]\nconversations:\n- [a, b]\n"
    path = written(tmp_path, "talk.yml", text)
    assert list(read_conversations(path)) == [
        Conversation("talk.yml:1", ("a", "b")),
        Conversation("talk.yml:1.1", ("hi", "Hello!")),
        Conversation("talk.yml:1.1", ("hi", "Hi!")),
        Conversation("talk.yml:1.2", ("hey", "Hello!")),
        Conversation("talk.yml:1.2", ("hey", "Hi!")),
    ]


def test_each_wording_also_gets_each_of_the_replies_of_its_gist(tmp_path):
    text = "gists:\n  greeting: [Welcome!, Hey!]\nsituations:\n- gist: greeting\n"
    text += "  says: [hi, hey, yo]\n  replies: [Hello!]\n- says: [bye]\n  replies: [Bye!]\n"
    turns = [c.turns for c in read_conversations(written(tmp_path, "talk.yml", text))]
    assert turns == [
        *(("hi", reply) for reply in ("Hello!", "Welcome!", "Hey!")),
        *(("hey", reply) for reply in ("Hello!", "Welcome!", "Hey!")),
        *(("yo", reply) for reply in ("Hello!", "Welcome!", "Hey!")),
        ("bye", "Bye!"),
    ]


def test_single_messages_get_each_of_the_replies_of_their_gist(tmp_path):
    text = (
        "gists:\n  bad: [Oh dear!, I'm sorry!]\nmessages:\n  bad: [I fell, ouch, my tooth: aches]\n"
    )
    found = list(read_conversations(written(tmp_path, "talk.yml", text)))
    assert [(c.id, c.turns) for c in found] == [
        (f"talk.yml:bad.{number}", (said, reply))
        for number, said in enumerate(("I fell", "ouch", "my tooth: aches"), start=1)
        for reply in ("Oh dear!", "I'm sorry!")
    ]
    assert [next(iter(extract_pairs([c], history_turns=1))).reply for c in found] == [
        c.turns[1] for c in found
    ]


def test_of_a_message_with_what_was_said_before_the_last_reply_alone_is_learned(tmp_path):
    text = "gists: {bad: [Oh dear!]}\nmessages: {bad: [[hi, How is work?, they sacked me]]}\n"
    [found] = read_conversations(written(tmp_path, "talk.yml", text))
    assert found.turns == ("hi", "How is work?", "they sacked me", "Oh dear!")
    [pair] = extract_pairs([found], history_turns=3)
    assert (pair.history, pair.reply) == (found.turns[:3], "Oh dear!")


@pytest.mark.parametrize(
    "messages",
    ["[a]", "{sad: [a]}", "{bad: a}", "{bad: [[[a]]]}", "{[bad]: [a]}", "{bad: [{a: {}}]}"],
)
def test_messages_of_another_shape_are_one_clear_line(tmp_path, messages):
    path = written(tmp_path, "talk.yml", f"gists: {{bad: [Oh!]}}\nmessages: {messages}\n")
    with pytest.raises(CorpusError, match=r"talk\.yml"):
        list(read_conversations(path))


@pytest.mark.parametrize("speakers", ["", "speakers: [person, bot]\nreply_speaker: bot\n"])
def test_a_turn_with_a_gist_ends_one_more_conversation_with_a_general_reply(tmp_path, speakers):
    written(tmp_path, "gists.yml", "gists:\n  bad: [Oh dear!]\n")
    text = f"gists: gists.yml\n{speakers}conversations:\n"
    text += "- - hi\n  - Hello!\n  - {says: I fell, gist: bad}\n  - Did it hurt?\n"
    whole, cut = read_conversations(written(tmp_path, "talk.yml", text))
    assert whole.turns == ("hi", "Hello!", "I fell", "Did it hurt?")
    assert cut.turns == ("hi", "Hello!", "I fell", "Oh dear!")
    assert (whole.id, whole.speakers) == (cut.id, cut.speakers)
    pairs = [list(extract_pairs([one], history_turns=3)) for one in (whole, cut)]
    assert [pair.reply for pair in pairs[0]][-1] == "Did it hurt?"
    assert [pair.reply for pair in pairs[1]] == ["Oh dear!"]


def test_a_file_of_gists_alone_is_passed_over_in_a_folder(tmp_path):
    log = ReadingLog()
    written(tmp_path, "gists.yml", "gists:\n  bad: [Oh dear!]\n")
    written(tmp_path, "talk.yml", "conversations:\n- [a, b]\n")
    assert len(list(read_conversations(tmp_path, log))) == 1
    assert list(log.notes) == ["gists.yml: replies for the gists of other corpora"]


@pytest.mark.parametrize(
    "gists",
    ["", "gists: [a]\n", "gists: ../gists.yml\n", "gists:\n  sad: []\n", "gists:\n  bad: x\n"],
)
def test_a_gist_without_replies_is_one_clear_line(tmp_path, gists):
    text = gists + "situations:\n- gist: sad\n  says: [hi]\n  replies: [Hello!]\n"
    with pytest.raises(CorpusError, match=r"gist|bad"):
        list(read_conversations(written(tmp_path, "talk.yml", text)))


@pytest.mark.parametrize("gist", ["[sad]", "{a: b}"])
@pytest.mark.parametrize(
    "talk",
    [
        "situations:\n- gist: GIST\n  says: [hi]\n  replies: [Hello!]\n",
        "conversations:\n- - {says: hi, gist: GIST}\n  - Hello!\n",
    ],
)
def test_a_gist_that_is_no_name_is_one_clear_line(tmp_path, talk, gist):
    text = "gists: {sad: [Oh!]}\n" + talk.replace("GIST", gist)
    with pytest.raises(CorpusError, match=r"talk\.yml .* gist"):
        list(read_conversations(written(tmp_path, "talk.yml", text)))


def test_a_mistake_in_the_file_of_gists_names_that_file(tmp_path):
    written(tmp_path, "gists.yml", "gists:\n  bad: [{a: {b: c}}]\n")
    path = written(tmp_path, "talk.yml", "gists: gists.yml\nconversations:\n- [a, b]\n")
    with pytest.raises(CorpusError, match=r"gists\.yml: bad"):
        list(read_conversations(path))


def test_yaml_may_name_the_speakers_and_whose_turns_are_learned(tmp_path):
    text = "speakers: [person, bot]\nreply_speaker: bot\nconversations:\n- [a, b, c]\n"
    (conversation,) = read_conversations(written(tmp_path, "talk.yml", text))
    assert conversation.speakers == ("person", "bot", "person")
    assert conversation.reply_speaker == "bot"


# Cornell


def cornell(folder, lines, conversations):
    spoken = "".join(f"{i} +++$+++ {u} +++$+++ m0 +++$+++ X +++$+++ {t}\n" for i, u, t in lines)
    written(folder, "movie_lines.txt", spoken)
    lists = "".join(f"u0 +++$+++ u2 +++$+++ m0 +++$+++ {ids}\n" for ids in conversations)
    return written(folder, "movie_conversations.txt", lists)


def test_cornell_is_read_from_either_file_or_the_folder(tmp_path):
    lines = [("L2", "u2", "Fine, <u>you</u>?"), ("L1", "u0", "How are you?")]
    path = cornell(tmp_path, lines, [["L1", "L2"]])
    expected = [
        Conversation("movie_conversations.txt:1", ("How are you?", "Fine, you?"), ("u0", "u2"))
    ]
    assert list(read_conversations(path)) == expected
    assert list(read_conversations(tmp_path / "movie_lines.txt")) == expected
    assert list(read_conversations(tmp_path)) == expected


def test_cornell_lines_that_are_missing_part_a_conversation_and_are_counted(tmp_path):
    lines = [(f"L{i}", "u0", str(i)) for i in (1, 2, 4, 5, 7)]
    path = cornell(tmp_path, lines, [[f"L{i}" for i in range(1, 8)], ["L8", "L9"]])
    log = ReadingLog()
    assert [c.turns for c in read_conversations(path, log)] == [("1", "2"), ("4", "5")]
    assert sum(log.notes.values()) == 4


def test_lone_cornell_lines_are_an_error_that_names_the_other_file(tmp_path):
    cornell(tmp_path, [("L1", "u0", "Hi")], [["L1"]]).unlink()
    with pytest.raises(CorpusError, match=r"movie_conversations\.txt is missing"):
        turns_in(tmp_path / "movie_lines.txt")

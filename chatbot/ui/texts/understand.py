"""The texts of the part that explains a reply."""

EN = {
    "understand_why": "Why?",
    "understand_title": "Why this reply?",
    "understand_close": "Close",
    "understand_wait": "Looking into it…",
    "understand_about": "“{reply}”, as {model} sees it",
    "understand_sure": "Sure",
    "understand_fairly": "Fairly sure",
    "understand_guessing": "Guessing",
    "understand_confidence": "{verdict}: {percent} for each piece on average.",
    "understand_by_rule": "The owner's rules put this reply in the model's place. The numbers say "
    "what the model makes of it.",
    "understand_shown": "What the model was shown",
    "understand_pieces": "How likely it found each piece",
    "understand_pieces_note": "The model's own numbers, before settings such as temperature.",
    "understand_attention": "Where it looked",
    "understand_attention_note": "One row for each piece of the reply: the darker, the more it "
    "looked at that piece of what it was shown, in percent. A mark such as “you” stands for the "
    "whole turn that it opens.",
    "understand_no_attention": "This model has no attention: it reads the whole message into one "
    "state and looks at no single piece.",
    "understand_looked": "“{piece}” looked at “{source}”: {percent}",
    "understand_others": "What else it could have said",
    "understand_no_others": "It found nothing else to say.",
    "understand_reply": "Reply",
    "understand_confidence_head": "Confidence",
    "understand_score": "Score",
    "understand_score_note": "The score ranks them, the highest first: the summed log-probability "
    "over a length penalty, with your settings.",
    "understand_user": "you",
    "understand_bot": "bot",
    "understand_end": "end",
    "understand_space": "space",
    "understand_taught": "Which lines taught it that",
    "understand_taught_note": "The nearest pairs of its training corpus, by the words they share. "
    "Only you, the owner, see this.",
    "understand_no_corpus": "The corpus of this model is not here (corpus.parquet is missing from "
    "its folder), so nobody can say which lines taught it that.",
    "understand_no_pairs": "No line of its corpus shares a word with this.",
    "understand_lost": "The corpus of this model cannot be read. Train it again to have one.",
    "understand_note": "This is a note of the page and no reply, so there is nothing to explain.",
    "understand_cannot": "This bot cannot explain its replies.",
    "understand_not_ready": "The bot is not loaded. Try again in a moment.",
}

ZH = {
    "understand_why": "为什么？",
    "understand_title": "为什么这样回答？",
    "understand_close": "关闭",
    "understand_wait": "正在分析……",
    "understand_about": "“{reply}”，由 {model} 分析",
    "understand_sure": "有把握",
    "understand_fairly": "比较有把握",
    "understand_guessing": "在猜",
    "understand_confidence": "{verdict}：平均每个词片 {percent}。",
    "understand_by_rule": "这句话是按主人的规则给出的，不是模型说的。下面的数字是模型对它的看法。",
    "understand_shown": "模型看到的内容",
    "understand_pieces": "它认为每个词片有多大可能",
    "understand_pieces_note": "这是模型本身的概率，未经温度等设置调整。",
    "understand_attention": "它在看哪里",
    "understand_attention_note": "回答的每个词片占一行：颜色越深，"
    "表示它越注意所看内容中的那个词片，单位为百分比。像“你”这样的标记代表它开头的整句话。",
    "understand_no_attention": "这个模型没有注意力机制："
    "它把整条消息读成一个状态，不会单独看某个词片。",
    "understand_looked": "“{piece}” 看 “{source}”：{percent}",
    "understand_others": "它还可能这样说",
    "understand_no_others": "它没有找到别的说法。",
    "understand_reply": "回答",
    "understand_confidence_head": "把握",
    "understand_score": "得分",
    "understand_score_note": "按得分从高到低排列：对数概率之和除以长度惩罚，按你的设置计算。",
    "understand_user": "你",
    "understand_bot": "机器人",
    "understand_end": "结束",
    "understand_space": "空格",
    "understand_taught": "它是从哪些语料学来的",
    "understand_taught_note": "训练语料中用词最接近的几对。只有你（主人）能看到。",
    "understand_no_corpus": "这里没有这个模型的语料（它的文件夹里缺少 corpus.parquet），"
    "所以无法知道它是从哪几行学来的。",
    "understand_no_pairs": "语料里没有哪一行与这句话有共同的词。",
    "understand_lost": "无法读取这个模型的语料。重新训练一次就会有。",
    "understand_note": "这是页面的提示，不是回答，没有什么可解释的。",
    "understand_cannot": "这个机器人无法解释它的回答。",
    "understand_not_ready": "机器人还没有加载好，请稍后再试。",
}

"""A small set of film opinions written for this project: the sample where the real archive cannot be had.

Every sentence was made up here; they are plainer than real reviews, so numbers measured on them say little.
Knows no models and needs no network.
"""

from cod_core.text import short_hash
from cod_core.types import Example, Task

TASK = Task(
    "What does the writer think of the film?",
    ("negative", "positive"),
    ("The writer finds the film bad.", "The writer finds the film good."),
)

_POSITIVE = """
A warm and funny story that earns every one of its tears.
The two leads are wonderful together from the first scene on.
Rarely has a car chase been filmed with such wit and clarity.
I left the cinema smiling and called my sister to tell her about it.
The script is sharp, the pace is brisk and the ending feels right.
A tender portrait of a father who learns to listen.
Beautiful pictures, a moving score and not a dull minute in two hours.
The young director shows great talent and even greater patience.
It made a hall full of teenagers laugh and then fall silent.
An honest and gripping look at life on a fishing boat.
The dialogue sparkles and the jokes land one after the other.
This is the best thriller I have seen in years.
The sets are splendid and the costumes are a delight.
Every small part is cast with care, and it shows.
A clever puzzle that plays fair and still surprises you.
She gives a brave and brilliant performance.
The film treats its old heroes with respect and humour.
I was charmed by the first song and hooked by the second.
A thoughtful drama about debt, and an exciting one.
The battle scenes are superb, and the quiet ones are better.
You will want to see this lovely film twice.
It is a joy to watch such fresh faces at work.
The plot is simple, yet the telling is masterful.
An exciting adventure with a generous heart.
The animation is gorgeous and the story is worthy of it.
His finest work so far, rich in detail and feeling.
Smart, lively and full of affection for its town.
The final hour is among the most thrilling of the season.
A gentle comedy that respects the people it laughs about.
What a refreshing idea, and how well it is carried out.
The camera finds beauty in a bus stop and makes us see it.
Strong acting lifts this tale far above its rivals.
I admired its courage and enjoyed its company.
A powerful and memorable film about two stubborn sisters.
The suspense is perfect and the music makes it even better.
It is hard not to love this cheerful little picture.
The story moves quickly and the surprises are good ones.
A fascinating film that trusts its audience.
Great fun for children, and a pleasure for their parents.
The writer has a keen ear and a kind eye.
An inspired mixture of western and love story.
Few films about teachers are this truthful and engaging.
The humour is dry, the cast is excellent, the time flies.
A remarkable debut that deserves a large audience.
It looks magnificent and it has something to say.
The friendship at its centre is convincing and touching.
I recommend this elegant mystery without hesitation.
The remake improves on the original in every respect.
Its calm rhythm is soothing and its images stay with you.
A satisfying ending crowns an impressive film.
"""

_NEGATIVE = """
A cold and clumsy story that begs for tears it has not earned.
The two leads have no spark between them at any moment.
Rarely has a car chase been filmed with so little sense of place.
I left the cinema annoyed and wanted my evening back.
The script is lazy, the pace is slow and the ending feels wrong.
A shallow portrait of a father nobody could believe in.
Ugly pictures, a noisy score and hardly a lively minute in two hours.
The director shows little talent and even less patience.
It made a hall full of teenagers yawn and then reach for their phones.
A false and tedious look at life on a fishing boat.
The dialogue creaks and the jokes fall flat one after the other.
This is the worst thriller I have seen in years.
The sets are cheap and the costumes are a disgrace.
Every small part is cast without care, and it shows.
A silly puzzle that cheats and still manages to bore you.
She gives a stiff and lifeless performance.
The film treats its old heroes with contempt and bad jokes.
I was irritated by the first song and worn out by the second.
A confused drama about debt, and a dreary one.
The battle scenes are a mess, and the quiet ones are worse.
You will regret the time you gave to this awful film.
It is painful to watch such tired faces at work.
The plot is simple, and the telling is incompetent.
A boring adventure with an empty heart.
The animation is crude and the story is no better.
His weakest work so far, poor in detail and feeling.
Dull, lifeless and full of scorn for its town.
The final hour is among the most tiresome of the season.
A mean comedy that despises the people it laughs about.
What a stale idea, and how badly it is carried out.
The camera finds nothing in a bus stop and stares at it all the same.
Weak acting drags this tale far below its rivals.
I disliked its vanity and suffered its company.
A feeble and forgettable film about two stubborn sisters.
The suspense is missing and the music makes it even worse.
It is hard to forgive this cynical little picture.
The story crawls along and the surprises are bad ones.
A pointless film that insults its audience.
No fun for children, and a torment for their parents.
The writer has a tin ear and a cruel eye.
A botched mixture of western and love story.
Few films about teachers are this phoney and dreary.
The humour is stale, the cast is terrible, the time drags.
A disappointing debut that deserves to be forgotten.
It looks dreadful and it has nothing to say.
The friendship at its centre is unconvincing and cold.
I cannot recommend this dreary mystery to anyone.
The remake ruins the original in every respect.
Its slow rhythm is numbing and its images are bland.
A ridiculous ending sinks a mediocre film.
"""


def written_sample() -> list[Example]:
    """100 labelled sentences in a fixed order, classes taking turns: 64 train, 8 validation, 28 test.

    The sentences at one place in both lists are alike in form, so they share a source id and a split.
    """
    pairs = zip(_NEGATIVE.strip().splitlines(), _POSITIVE.strip().splitlines(), strict=True)
    examples = []
    for i, texts in enumerate(pairs):
        split = "train" if i % 25 < 16 else "validation" if i % 25 < 18 else "test"
        for text, label in zip(texts, TASK.labels, strict=True):
            examples.append(Example(short_hash(text), text, label, split, f"written-{i + 1}"))
    return examples

"""One project: its rooms, each handed what it needs. The only place that wires concrete classes together.

Read it top to bottom: a room may ask those above it, never one below. Nothing is loaded here; models load on the first
number that is not cached.
"""

from cod_core.project.curation.audit import Audit
from cod_core.project.curation.cards import Cards
from cod_core.project.curation.curation import Curation
from cod_core.project.curation.guideline import Guidelines
from cod_core.project.curation.pairs import Pairs
from cod_core.project.curation.presence import Presence
from cod_core.project.curation.review import Review
from cod_core.project.draws import Draws
from cod_core.project.export.bundles import Bundles
from cod_core.project.export.exports import Exports
from cod_core.project.export.package import StudentPackages
from cod_core.project.export.selection import Selection
from cod_core.project.jobs import Jobs
from cod_core.project.keeping import Keeping
from cod_core.project.labels import Labels
from cod_core.project.models import Models
from cod_core.project.next_steps import NextSteps
from cod_core.project.place import Place
from cod_core.project.proposals.fluency import Fluency
from cod_core.project.proposals.llm import LanguageModel
from cod_core.project.proposals.offers import Offers
from cod_core.project.proposals.prompts import PromptStudies
from cod_core.project.proposals.proposals import Proposals
from cod_core.project.proposals.quality import QualityCards
from cod_core.project.proposals.retry import Retry
from cod_core.project.proposals.search import Search
from cod_core.project.proposals.searcher import Searcher
from cod_core.project.proposals.splicer import Splicer
from cod_core.project.proposals.tightening import Tightening
from cod_core.project.results.comparison import Comparison
from cod_core.project.results.development import Development
from cod_core.project.results.diagnostics import Diagnostics
from cod_core.project.results.early import EarlyLook
from cod_core.project.results.influence import Influence
from cod_core.project.results.live import LiveStrip
from cod_core.project.results.maps import Maps
from cod_core.project.results.report import Report
from cod_core.project.results.results import Results
from cod_core.project.results.ways import WaysRoom
from cod_core.project.students.costs import Costs
from cod_core.project.students.plan import SweepPlans
from cod_core.project.students.preflight import Preflights
from cod_core.project.students.product import Product
from cod_core.project.students.store import StudentStore
from cod_core.project.students.students import Students
from cod_core.project.summary import Summary, summarise
from cod_core.project.teacher.answers import Answers
from cod_core.project.teacher.clients import Clients
from cod_core.project.teacher.endpoints import Endpoints
from cod_core.project.teacher.loader import TeacherLoader
from cod_core.project.teacher.repair import Repair
from cod_core.project.teacher.teacher import Teacher
from cod_core.project.teacher.training import Training
from cod_core.project.teacher.trust import Trust
from cod_core.project.texts.editing import Editing
from cod_core.project.texts.texts import Texts
from cod_core.project.texts.uploads import Uploads
from cod_core.store.projects import ProjectRow


class Project:
    """A house of rooms: project.curation.decide(...), project.students.distil(...)."""

    def __init__(self, place: Place, models: Models):
        self.place = place
        self.id = place.id
        self.models = models
        self.endpoints = Endpoints(place)
        self.clients = Clients(place, models, self.endpoints)
        self.texts = Texts(place)
        self.uploads = Uploads(place)
        self.editing = Editing(place)
        self.loader = TeacherLoader(place, models, self.clients)
        self.teacher = Teacher(place, models, self.endpoints, self.loader)
        self.training = Training(place, self.teacher)
        self.trust = Trust(place, self.teacher, self.training)
        self.answers = Answers(place, self.teacher)
        self.pairs = Pairs(place, self.teacher)
        self.repair = Repair(place, models, self.texts, self.teacher, self.training, self.pairs)
        self.cards = Cards(place, self.pairs)
        self.curation = Curation(place, self.teacher, self.pairs, self.cards)
        self.guideline = Guidelines(place, self.pairs)
        self.review = Review(place, self.pairs, self.cards)
        self.audit = Audit(place, self.pairs)
        self.presence = Presence(place)
        self.draws = Draws(place, self.texts, self.teacher, self.pairs)
        self.fluency = Fluency(place, models)
        self.searcher = Searcher(place, models, self.endpoints, self.clients, self.teacher)
        self.search = Search(place, self.teacher, self.pairs, self.draws, self.searcher)
        self.splicer = Splicer(place, models, self.teacher)
        self.offers = Offers(place, self.teacher, self.pairs, self.draws, self.searcher, self.search, self.splicer)
        self.tightening = Tightening(place, self.teacher, self.pairs, self.cards)
        self.llm = LanguageModel(place, self.texts, self.endpoints, self.clients, self.teacher, self.pairs, self.draws, self.tightening)
        self.prompts = PromptStudies(place, models, self.clients, self.teacher, self.draws, self.llm)
        self.retry = Retry(place, self.teacher, self.pairs, self.searcher)
        self.proposals = Proposals(place, self.teacher, self.pairs, self.draws, self.offers, self.llm)
        self.quality = QualityCards(place, self.texts, self.pairs, self.draws, self.fluency)
        self.store = StudentStore(place, models, self.teacher)
        self.plan = SweepPlans(place, self.texts, self.teacher, self.pairs, self.draws)
        self.preflight = Preflights(place, self.texts, self.teacher, self.pairs, self.plan)
        self.costs = Costs(place, models, self.texts, self.teacher, self.pairs, self.store)
        self.results = Results(place, self.teacher, self.pairs, self.store)
        self.label_set = Labels(place, self.texts, self.teacher, self.results)
        self.students = Students(place, models, self.texts, self.teacher, self.store, self.plan, self.costs, self.results)
        self.product = Product(place, self.texts, self.teacher, self.store, self.plan, self.students, self.results)
        self.next = NextSteps(place, self.texts, self.teacher, self.pairs, self.draws, self.plan, self.results, self.product)
        self.comparison = Comparison(place, self.results)
        self.diagnostics = Diagnostics(
            place, models, self.texts, self.teacher, self.pairs, self.draws, self.searcher, self.store, self.results
        )
        self.development = Development(place, self.teacher)
        self.influence = Influence(place, models, self.texts, self.teacher, self.pairs, self.development)
        self.maps = Maps(place, models, self.teacher, self.pairs, self.store, self.results)
        self.ways = WaysRoom(place, models, self.texts, self.teacher, self.pairs, self.draws, self.results)
        self.early = EarlyLook(place, models, self.texts, self.teacher, self.pairs, self.draws)
        self.live = LiveStrip(place, models, self.teacher, self.pairs, self.results, self.development, self.early)
        self.report = Report(place, self.teacher, self.trust, self.results, self.diagnostics, self.influence, self.maps)
        self.selection = Selection(place, self.fluency)
        self.exports = Exports(place, self.uploads, self.pairs, self.guideline, self.selection)
        self.package = StudentPackages(place, models, self.teacher, self.store, self.product)
        self.bundles = Bundles(place)
        self.keeping = Keeping(place, self.endpoints)
        self.jobs = Jobs(
            place,
            self.endpoints,
            self.training,
            self.repair,
            self.answers,
            self.pairs,
            self.fluency,
            self.prompts,
            self.tightening,
            self.proposals,
            self.students,
            self.diagnostics,
            self.live,
            self.ways,
            self.product,
            self.package,
        )

    @property
    def row(self) -> ProjectRow:
        """Name, task, teacher and settings as they are now. Raises BadInput where the project does not exist (any more)."""
        return self.place.row

    def summary(self) -> Summary:
        """Counts of everything the stepper shows; no model is asked."""
        return summarise(self.teacher, self.pairs)

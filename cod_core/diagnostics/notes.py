"""What every number of the Results page means, in plain words, and how it is measured: formula and source.

Words only. `plain` is one sentence for a person who knows no statistics; `formula` and `source` are for those who want
to check or cite. Pages and the HTML report show the same notes, so that they cannot differ.
"""

from dataclasses import dataclass

from cod_core.said import msg, say


@dataclass(frozen=True)
class Note:
    """name: as on screen. plain: one sentence. formula: the definition. source: where it comes from."""

    name: str
    plain: str
    formula: str
    source: str


_CORE = "Hamman et al. 2025, arXiv:2510.21631"
NOTES = {
    "difference": Note(
        msg("Difference"),
        msg(
            "How many more of the test texts are answered rightly with counterfactuals than without, at the "
            "same number of training rows. The interval is for further draws from the texts and counterfactuals of this project."
        ),
        msg(
            "mean over draws s and test rows i of D[s,i] = right_CoD[s,i] − right_KD[s,i]; 95 % interval mean ± t·√V with "
            "V = V_draws + V_rows − V_both, Satterthwaite's degrees of freedom; sign-flip test over the draws. "
            "Clear: p < .05 and 0 also outside the interval with V_draws · (1 + (S − 1)w) / (1 − w), w ≤ ½ the mean share of rows "
            "that two of the S draws have in common."
        ),
        "Owen 2007, arXiv:0712.1111; Satterthwaite 1946; Fisher's randomisation test; Nadeau and Bengio 2003",
    ),
    "free_draw": Note(
        msg("Any of your texts"),
        msg(
            "Students are compared on texts that have a counterfactual, and these may be easier or harder to learn from than others. "
            "Here the same student learnt from any text that the teacher sees as it is labelled, whether or not it has a counterfactual."
        ),
        msg(
            "D of the arms kd − kd_free and cod − kd_free, draw by draw on the same test rows, interval and word as for the difference; "
            "kd_free: k rows of the seed's balanced order, where kd begins with rows that have a kept counterfactual."
        ),
        "docs/method.md",
    ),
    "accuracy": Note(
        msg("Accuracy"),
        msg("The share of test texts on which the student gives the label that people gave."),
        msg("right answers / labelled test texts, mean over draws; the band is one standard deviation over draws."),
        say("k counts training rows, counterfactuals included ({source})", source=_CORE),
    ),
    "agreement": Note(
        msg("Agreement"),
        msg("How often the student gives the same answer as its teacher."),
        msg("share of texts with argmax p_student = argmax p_teacher; Wilson's interval for one student."),
        "Wilson 1927",
    ),
    "kl": Note(
        msg("KL divergence"),
        msg("How far the student's probabilities are from the teacher's; 0 is no difference."),
        msg("mean of Σ_c p_t(c) · log(p_t(c) / p_s(c)) in nats, probabilities clipped at 1e-7."),
        "Kullback and Leibler 1951",
    ),
    "js": Note(
        msg("Jensen-Shannon"),
        msg("The same, counted alike in both directions, at most 0.69."),
        msg("½ KL(p_t‖m) + ½ KL(p_s‖m), m = (p_t + p_s) / 2, in nats."),
        "Lin 1991",
    ),
    "mcc": Note(
        msg("Matthews coefficient"),
        msg("How much better than guessing: 1 is perfect, 0 is chance, whatever the balance of the labels."),
        msg("R_K of the confusion table, any number of classes."),
        "Gorodkin 2004",
    ),
    "macro_f1": Note(
        msg("Macro F1"),
        msg("Precision and recall together, every label counting alike."),
        msg("mean over classes of 2·TP / (2·TP + FP + FN)."),
        "scikit-learn's f1_score(average='macro')",
    ),
    "brier": Note(
        msg("Brier score"),
        msg("How far the stated probabilities are from what was true; lower is better."),
        msg("mean of Σ_c (p_s(c) − 1[c = gold])², in [0, 2]."),
        "Brier 1950",
    ),
    "nll": Note(
        msg("Log loss"),
        msg("How surprised the student is by the true labels; lower is better."),
        msg("mean of −log p_s(gold) in nats, clipped at 1e-7."),
        msg("cross-entropy"),
    ),
    "ece": Note(
        msg("Calibration"),
        msg("How far the student's sureness is from how often it is right."),
        msg("expected calibration error, 10 bins of equal mass, from 200 rows on."),
        "Guo et al. 2017, arXiv:1706.04599; Nixon et al. 2019, arXiv:1904.01685",
    ),
    "ece_teacher": Note(
        msg("Calibration to the teacher"),
        msg("How far the student's sureness is from the teacher's sureness of the same answer."),
        msg("the same with p_t(the student's class) in place of right or wrong."),
        msg("as calibration; needs no gold label"),
    ),
    "margins": Note(
        msg("Sureness"),
        msg(
            "How sure the teacher is of the original's label: 0 is its decision line, to the right it keeps the "
            "label, to the left it has changed its mind."
        ),
        msg("m_a = z_a − max_{c≠a} z_c with z = log p and a the class at the original; near the line: p(target) in .3 to .7."),
        msg("published: 1 to 4 % of human and LLM counterfactuals of IMDB lie near the line, 11.5 % for MiCE's search"),
    ),
    "gap": Note(
        msg("Gap between the lines"),
        msg(
            "On the way from a text to its counterfactual teacher and student change their minds "
            "at some point; the gap is how far apart these points are."
        ),
        msg(
            "text path: the edits of the token diff made one after another, left to right and in random orders; δ = |ℓ_t − "
            "ℓ_s| · ‖φ(x′) − φ(x)‖ with ℓ the interpolated first crossing; a student without the teacher's class at both "
            "ends counts with the whole length. In units of the median pair; paired over draws and pairs."
        ),
        say("docs/method.md section 5 of this project; {source}", source=_CORE),
    ),
    "ends": Note(
        msg("Both ends right"),
        msg("On how many held-out pairs the student gives the teacher's answer for the text and for its counterfactual."),
        msg("share of pairs with argmax p_s = argmax p_t at x and at x′; the others are censored."),
        msg("docs/method.md section 5 of this project"),
    ),
    "hausdorff": Note(
        msg("Distance of the lines"),
        msg(
            "The largest (or typical) distance from a point on one decision line to the nearest point on the other, "
            "as far as the pairs show."
        ),
        msg(
            "sampled Hausdorff max(max min, max min), its 95th percentile (HD95), and the Chamfer mean, between the crossings "
            "on the text paths in the encoder's space: estimates. Pairs that the student does not cross are not in them."
        ),
        "Huttenlocher et al. 1993; Taha and Hanbury 2015",
    ),
    "surrogate": Note(
        msg("Straight-line view"),
        msg(
            "The teacher replaced by the straight line that fits it best in the student's own space; "
            "trust it only as far as its agreement goes."
        ),
        msg(
            "ridge regression of the teacher's log-probabilities on φ; agreement on the half that was not fitted; lower "
            "bound: largest distance from a surrogate's crossing to the student's line, (z_a − z_c) / ‖w_a − w_c‖; angle "
            "between the normals w_a − w_c."
        ),
        say("docs/method.md section 5 of this project; {source}", source="Moosavi-Dezfooli et al. 2016, arXiv:1511.04599"),
    ),
    "information": Note(
        msg("What the rows can tell"),
        msg("How much k rows pin the student down: k texts against k/2 texts and their counterfactuals."),
        msg(
            "I = Σ_i (diag(p_i) − p_i p_iᵀ) ⊗ z_i z_iᵀ with the student's own p on φ after PCA to min(32, k − 1) dimensions; "
            "log det(I + λE) (more is better), Tr (I + λE)⁻¹ and the least eigenvalue of I."
        ),
        "Fisher information; D- and A-optimality (Fedorov 1972). Dominance is not claimed: " + _CORE + " section 4 does",
    ),
    "map": Note(
        msg("Map"),
        msg("Every dot is a text: left and right of the line the teacher answers differently, up and down texts differ in content."),
        msg(
            "x: the teacher's margin m of one label; y: first principal component of φ after regressing it on x. The cross: "
            "where the first CoD student changes class on the straight line between the two embeddings."
        ),
        msg("a picture, not a measurement"),
    ),
    "confusion": Note(
        msg("Which labels are mixed up"),
        msg("Of the texts that truly have one label, how many the student gave each label."),
        msg("rows of the confusion table divided by their sum, mean over draws."),
        msg("plain counting"),
    ),
    "won": Note(
        msg("Won and lost"),
        msg("The texts that most gained, and most lost, from training with counterfactuals."),
        msg("share of draws that are right with counterfactuals, less the share without."),
        msg("plain counting"),
    ),
    "worth": Note(
        msg("Worth of a counterfactual"),
        msg("How much worse the student would do on the development texts had this counterfactual not been there."),
        msg(
            "leave-one-out: development log loss without the row less with it; θ₋ᵢ by Newton steps from θ with one "
            "factorised matrix (Woodbury), checked against students trained anew."
        ),
        "Pregibon 1981; Koh and Liang 2017, arXiv:1703.04730",
    ),
    "moons": Note(
        msg("Two moons"),
        msg("A world of two dimensions in which both decision lines can be seen and their distance measured."),
        msg(
            "teacher 2-64-64-2, students 2-16-2 (ReLU, Adam), cross-entropy + 20·T²·KL at T = 2; Hausdorff distance between "
            "the boundaries read on a 90 × 90 grid; counterfactual: nearest point of the teacher's boundary, 15 % beyond."
        ),
        _CORE + "; scikit-learn's make_moons",
    ),
}

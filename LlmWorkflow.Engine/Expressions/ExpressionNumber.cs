using System.Globalization;
using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>A number: a decimal where it fits into one (so that 0.1 + 0.2 is 0.3, and integers of 28 digits keep their value), else a double.</summary>
internal readonly struct ExpressionNumber : IComparable<ExpressionNumber>
{
    /// <summary>As many digits as a double tells apart: more would make 1 / 3 * 3 print as 0.9999….</summary>
    private const int ShownDigits = 17;

    private readonly decimal _exact;
    private readonly double _real;
    private readonly bool _isReal;

    private ExpressionNumber(decimal exact) => _exact = exact;

    private ExpressionNumber(double real)
    {
        _real = real;
        _isReal = true;
    }

    public bool IsZero => _isReal ? _real == 0 : _exact == 0;

    private double Real => _isReal ? _real : (double)_exact;

    public static implicit operator ExpressionNumber(decimal value) => new(value);

    /// <summary>The value of a JSON number.</summary>
    public static ExpressionNumber Of(JsonElement number)
    {
        return number.TryGetDecimal(out decimal exact) && (exact != 0 || number.GetDouble() == 0) ? new(exact) : new(number.GetDouble());
    }

    /// <summary>Reads a number as JSON writes it, or with a plus or leading zeros.</summary>
    public static bool TryParse(string text, out ExpressionNumber number)
    {
        const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        number = default;
        if (!double.TryParse(text, Styles, CultureInfo.InvariantCulture, out double real) || !double.IsFinite(real))
        {
            return false;
        }

        number = decimal.TryParse(text, Styles, CultureInfo.InvariantCulture, out decimal exact) && Fits(exact, real) ? new(exact) : new(real);
        return true;
    }

    /// <summary>The result of an arithmetic operator; null when it is too large for any number. Not to be called with a divisor of zero.</summary>
    public static ExpressionNumber? Calculate(BinaryOperator operation, ExpressionNumber left, ExpressionNumber right)
    {
        double real = operation switch
        {
            BinaryOperator.Add => left.Real + right.Real,
            BinaryOperator.Subtract => left.Real - right.Real,
            BinaryOperator.Multiply => left.Real * right.Real,
            BinaryOperator.Divide => left.Real / right.Real,
            _ => left.Real % right.Real,
        };
        // A decimal operation can only overflow beyond this; asking first costs less than catching.
        bool isNear = Math.Abs(real) < 7e28;
        if (!left._isReal && !right._isReal && isNear && CalculateExactly(operation, left._exact, right._exact) is { } exact && Fits(exact, real, operation))
        {
            return new(exact);
        }

        return double.IsFinite(real) ? new(real) : null;
    }

    public ExpressionNumber Negate() => _isReal ? new(-_real) : new(-_exact);

    /// <summary>Rounded half away from zero.</summary>
    public ExpressionNumber Round(int digits) => _isReal
        ? new(Math.Round(_real, digits, MidpointRounding.AwayFromZero))
        : new(decimal.Round(_exact, digits, MidpointRounding.AwayFromZero));

    /// <summary>The whole number that it is; null when it has a fraction or is beyond 32 bits.</summary>
    public int? ToInteger() => !_isReal && _exact == decimal.Truncate(_exact) && _exact is >= int.MinValue and <= int.MaxValue ? (int)_exact : null;

    /// <summary>The nearest decimal; null when it is too large for one.</summary>
    public decimal? ToDecimal() => !_isReal ? _exact : Math.Abs(_real) < 7e28 ? (decimal)_real : null;

    public int CompareTo(ExpressionNumber other) => !_isReal && !other._isReal ? _exact.CompareTo(other._exact) : Real.CompareTo(other.Real);

    /// <summary>As JSON writes it, without zeros at the end.</summary>
    public override string ToString()
    {
        if (_isReal)
        {
            return _real == 0 ? "0" : _real.ToString("R", CultureInfo.InvariantCulture);
        }

        decimal whole = decimal.Truncate(_exact);
        if (whole == _exact)
        {
            return whole == 0 ? "0" : whole.ToString(CultureInfo.InvariantCulture);
        }

        int places = ShownDigits;
        for (decimal rest = Math.Abs(_exact); rest >= 1; rest /= 10)
        {
            places--;
        }

        for (decimal rest = Math.Abs(_exact); rest < 0.1m; rest *= 10)
        {
            places++;
        }

        decimal shown = decimal.Round(_exact, Math.Clamp(places, 0, 28));
        return shown == 0 ? "0" : shown.ToString("0.############################", CultureInfo.InvariantCulture);
    }

    // What is too small for a decimal becomes zero in it without a word.
    private static bool Fits(decimal exact, double real) => exact != 0 || real == 0;

    // A sum of decimals may be exactly zero where the doubles leave a rest; only products can be too small.
    private static bool Fits(decimal exact, double real, BinaryOperator operation) =>
        operation is not (BinaryOperator.Multiply or BinaryOperator.Divide) || Fits(exact, real);

    private static decimal? CalculateExactly(BinaryOperator operation, decimal left, decimal right)
    {
        try
        {
            return operation switch
            {
                BinaryOperator.Add => left + right,
                BinaryOperator.Subtract => left - right,
                BinaryOperator.Multiply => left * right,
                BinaryOperator.Divide => left / right,
                _ => left % right,
            };
        }
        catch (OverflowException)
        {
            return null;
        }
    }
}
